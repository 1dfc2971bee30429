#pragma once

#include <string>

#include "inferometer/analysis/study.h"

namespace ifm {

/// REPRODUCIBILITY.md: machine, build, models with their hashes, the plan as it was, the commands, and what a repetition on
/// the same machine should show, within which tolerances.
[[nodiscard]] std::string reproducibility_markdown(const Study& study);

}  // namespace ifm
