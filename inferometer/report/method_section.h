#pragma once

#include "inferometer/analysis/study.h"
#include "inferometer/report/document.h"

namespace ifm {

/// How the numbers of a session were measured and computed, and what they cannot say.
[[nodiscard]] Document method_section(const Study& study);

}  // namespace ifm
