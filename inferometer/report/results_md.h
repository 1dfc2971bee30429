#pragma once

#include <string>
#include <vector>

#include "inferometer/analysis/study.h"
#include "inferometer/figure/figures.h"

namespace ifm {

/// RESULTS.md: the summary with its figures (as PNG, below "figures/") and where the data are.
[[nodiscard]] std::string results_markdown(const Study& study, const std::vector<Figure>& figures);

}  // namespace ifm
