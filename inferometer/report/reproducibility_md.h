#pragma once

#include <string>

#include "inferometer/analysis/study.h"
#include "inferometer/render/document.h"

namespace ifm {

/// The plan as it was, the commands, and what a repetition on the same machine should show, within which tolerances.
[[nodiscard]] Document repeat_document(const Study& study);

/// REPRODUCIBILITY.md: machine, build, models with their hashes, and repeat_document().
[[nodiscard]] std::string reproducibility_markdown(const Study& study);

}  // namespace ifm
