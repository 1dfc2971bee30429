#pragma once

#include <string>

#include "inferometer/analysis/comparison.h"

namespace ifm {

/// The word for the whole comparison: the verdict, or "incomparable".
[[nodiscard]] std::string comparison_verdict(const ComparisonReport& report);

/// A cell as tables and figures name it: "question, 64 tokens, T 0.7".
[[nodiscard]] std::string comparison_cell_name(const ComparedCell& cell);
/// A side in a line: engine, version, instruction set, accuracy, threads, model.
[[nodiscard]] std::string comparison_side(const ComparedSide& side);
/// How the sides were run.
[[nodiscard]] std::string comparison_design(const ComparisonReport& report);
/// What was compared, in a line: both sides, and how.
[[nodiscard]] std::string comparison_caption(const ComparisonReport& report);

}  // namespace ifm
