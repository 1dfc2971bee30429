#pragma once

#include <optional>
#include <string>

#include "inferometer/analysis/comparison.h"
#include "inferometer/render/comparison_names.h"
#include "inferometer/render/document.h"

namespace ifm {

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
