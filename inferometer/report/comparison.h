#pragma once

#include <optional>
#include <string>

#include "inferometer/analysis/comparison.h"
#include "inferometer/report/document.h"

namespace ifm {

/// The word for the whole comparison: the verdict, or "incomparable".
[[nodiscard]] std::string comparison_verdict(const ComparisonReport& report);

/// A cell as tables and figures name it: "question, 64 tokens, T 0.7".
[[nodiscard]] std::string comparison_cell_name(const ComparedCell& cell);
/// What was compared, in a line: both sides, and how.
[[nodiscard]] std::string comparison_caption(const ComparisonReport& report);

/// What `compare` prints, and as Markdown what a pull request gets.
[[nodiscard]] Document comparison_document(const ComparisonReport& report);
/// schemas/compare.schema.json; unknown = null; ends with a line feed.
[[nodiscard]] std::string comparison_json(const ComparisonReport& report);
/// A test suite of one test for each cell and metric: a regression is a failure, no verdict an error. Source: the schema that
/// Jenkins' xUnit plug-in and GitLab read.
[[nodiscard]] std::string comparison_junit(const ComparisonReport& report, bool allow_inconclusive);

/// What is simulated from the pairs of an A/A comparison; null where they are too few or too many.
struct Preflight {
  std::optional<double> detectable;           ///< log: simulated_detectable()
  std::optional<double> false_alarm_percent;  ///< false_alarm_percent()
};
/// What an A/A comparison says of the machine: the smallest effect that it shows, and how often it would be wrong.
[[nodiscard]] Document preflight_document(const ComparisonReport& report, const Preflight& found);

}  // namespace ifm
