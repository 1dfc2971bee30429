#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "inferometer/analysis/study.h"
#include "inferometer/stats/describe.h"

namespace ifm {

/// Reads one number of a run; null where the run has none.
using MetricOf = std::function<std::optional<double>(const Run&)>;

/// A metric under the name that tables use.
struct NamedMetric {
  const char* name;
  MetricOf of;
};
/// "latency_s", "throughput_tok_per_s", "ttft_s", "decode_tok_per_s": what effects and shares are computed for.
[[nodiscard]] const std::vector<NamedMetric>& effect_metrics();

/// Sets cv_within and its interval from the pooled spread of the logs within cells.
void set_relative_spread(const stats::PooledSd& of_logs, MetricSummary& summary);

/// Summary of a metric over timed runs; values of one cell share `Run::cell`.
[[nodiscard]] MetricSummary summarize(const std::vector<const Run*>& runs, const MetricOf& metric);

/// A group of measured runs: failed ones are counted, timed ones summarized.
[[nodiscard]] Group make_group(std::string label, std::map<std::string, std::string> keys, const std::vector<const Run*>& runs);

/// One group per value of `label_of`, in the order that `before` gives to the labels' first runs (stable).
struct Grouping {
  std::function<std::string(const Run&)> label_of;
  std::function<std::map<std::string, std::string>(const Run&)> keys_of;
  std::function<double(const Run&)> rank_of;  ///< groups stand in rising rank, then by first appearance
};
/// Makes a group of some runs: make_group, or one that knows more runs than those it is shown.
using GroupMaker = std::function<Group(std::string, std::map<std::string, std::string>, const std::vector<const Run*>&)>;
[[nodiscard]] std::vector<Group> group_runs(const std::vector<const Run*>& runs, const Grouping& grouping,
                                            const GroupMaker& make = make_group);

/// Fills overall, by_* and cells of a study from its runs, or from others.
void fill_groups(Study& study);
void fill_groups(Study& study, const std::vector<const Run*>& runs, const GroupMaker& make);

/// Runs of each series in plan order of first appearance.
struct Series {
  std::string label;
  std::vector<const Run*> runs;  ///< measured, ok and failed
};
[[nodiscard]] std::vector<Series> series_of(const Study& study);
[[nodiscard]] std::vector<Series> series_of(const std::vector<const Run*>& runs);

/// Only the timed ones.
[[nodiscard]] std::vector<const Run*> timed(const std::vector<const Run*>& runs);
[[nodiscard]] std::vector<const Run*> all_runs(const Study& study);

/// A number as people write a factor level: "64", "0.3".
[[nodiscard]] std::string level_text(double value);

}  // namespace ifm
