#pragma once

#include "inferometer/analysis/study.h"
#include "inferometer/render/document.h"

namespace ifm {

/// How the numbers of a session were measured and computed.
[[nodiscard]] Document method_section(const Study& study);
/// What they cannot say; without a heading.
[[nodiscard]] Document limits_section(const Study& study);

}  // namespace ifm
