#pragma once

#include <string>
#include <vector>

#include "inferometer/analysis/study.h"
#include "inferometer/figure/figures.h"

namespace ifm {

/// A draft of a paper on a session, in Markdown for pandoc: abstract, introduction, method, set-up, results, threats to validity,
/// reproduction. Every number in it is the session's. `figures`: those that lie beside it in figures/.
[[nodiscard]] std::string paper_markdown(const Study& study, const std::vector<Figure>& figures);
/// Its title.
[[nodiscard]] std::string paper_title(const Study& study);

}  // namespace ifm
