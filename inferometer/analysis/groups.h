#pragma once

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "inferometer/analysis/run_table.h"
#include "inferometer/analysis/study.h"
#include "inferometer/stats/describe.h"
#include "inferometer/stats/time_structure.h"

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

constexpr double kNsPerHour = 3.6e12;  ///< trends are told per hour

/// Whether runs are of more than one mode.
[[nodiscard]] bool several_modes(const std::vector<const Run*>& runs);

/// What time does to a metric over a session's timed runs, in execution order; null where they cannot tell (time_structure).
using MetricTime = std::optional<stats::TimeStructure>;
[[nodiscard]] MetricTime time_of(const std::vector<const Run*>& session, const MetricOf& metric);
[[nodiscard]] std::optional<double> latency_of(const Run& run);

/// An interval, or why there is none.
struct Printed {
  std::optional<Interval> interval;
  NoInterval reason = NoInterval::none;
};
/// What is printed of the mean of n values, some cell of which has two or not, whose interval is `interval()`.
[[nodiscard]] Printed printed_mean(int n, bool repeated, const MetricTime& session,
                                   const std::function<std::optional<Interval>()>& interval);
/// The same for a median and a p90, from the interval of independent values, null where these are too few.
[[nodiscard]] Printed printed_median(const std::optional<Interval>& interval, double median, const MetricTime& session);
[[nodiscard]] Printed printed_p90(const std::optional<Interval>& interval, const MetricTime& session);
void set_intervals(MetricSummary& summary, const Printed& mean, const Printed& median, const Printed& p90);

/// Summary of a metric over timed runs in execution order; values of one cell share `Run::cell`. `session`: of all its runs.
[[nodiscard]] MetricSummary summarize(const std::vector<const Run*>& runs, const MetricOf& metric, const MetricTime& session);

/// The same for each metric of a group.
using SessionTime = std::array<MetricTime, kGroupMetrics.size()>;
[[nodiscard]] SessionTime session_time(const std::vector<const Run*>& runs);

/// A group of measured runs: failed ones are counted, timed ones summarized.
[[nodiscard]] Group make_group(std::string label, std::map<std::string, std::string> keys, const std::vector<const Run*>& runs,
                               const SessionTime& session);

/// One group per value of `label_of`, in the order that `before` gives to the labels' first runs (stable).
struct Grouping {
  std::function<std::string(const Run&)> label_of;
  std::function<std::map<std::string, std::string>(const Run&)> keys_of;
  std::function<double(const Run&)> rank_of;  ///< groups stand in rising rank, then by first appearance
};
/// Makes a group of some runs: make_group, or one that knows more runs than those it is shown.
using GroupMaker = std::function<Group(std::string, std::map<std::string, std::string>, const std::vector<const Run*>&)>;
[[nodiscard]] std::vector<Group> group_runs(const std::vector<const Run*>& runs, const Grouping& grouping,
                                            const GroupMaker& make);

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
