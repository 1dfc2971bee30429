#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "inferometer/analysis/groups.h"
#include "inferometer/analysis/row_groups.h"
#include "inferometer/analysis/run_table.h"
#include "inferometer/analysis/study.h"
#include "inferometer/stats/moments.h"
#include "inferometer/stats/time_structure.h"

/// What analyze() does with more runs than kManyRuns: the same numbers (but for rounding) from moments and sorted values of the
/// runs that share all levels, and two methods that look at less than every pair: blocks enter the shares of variance as
/// kBlockSpans spans of neighbours, and the drift's slopes are taken between medians of a cell's neighbouring runs.
namespace ifm {

inline constexpr int kBlockSpans = 16;
inline constexpr int kDriftSlopes = 250'000;  ///< pairs of medians, about, over all cells

/// The parts that these runs, of a table's levels, stand for.
[[nodiscard]] std::vector<int> parts_of(const std::vector<const Run*>& levels);

/// Of each part the first one with the same levels, flagged or not.
[[nodiscard]] std::vector<uint32_t> first_alike(const RunTable& table);

/// Of each part its cell, numbered in order of appearance.
[[nodiscard]] std::vector<uint32_t> cell_numbers(const RunTable& table);

/// What is known of a table's parts, for each row.
[[nodiscard]] std::vector<uint32_t> by_row(const RunTable& table, const std::vector<uint32_t>& of_part);

/// What time does to a metric, by its place in kGroupMetrics, over the runs of some parts: as time_of, from every run.
[[nodiscard]] MetricTime time_of_parts(const RunTable& table, size_t metric, const std::vector<int>& parts);

/// Values of parts, sorted, with their moments: a group of any parts costs no pass over runs.
class PartValues {
 public:
  /// by_part: the table's rows by part.
  PartValues(const RunTable& table, const RowGroups& by_part);
  /// As make_group of all runs of these parts.
  [[nodiscard]] Group group(std::string label, std::map<std::string, std::string> keys, const std::vector<int>& parts,
                            const SessionTime& session) const;
  /// Of one metric, by its place in kGroupMetrics.
  [[nodiscard]] MetricSummary summarize(size_t metric, const std::vector<int>& parts, const MetricTime& session) const;

 private:
  struct Values {
    std::span<const double> sorted;
    stats::Moments logs;
    stats::TimedMoments timed;
    bool positive = true;
  };
  static Values known_values(std::span<double> values, std::span<const double> times);

  const RunTable& table_;
  std::array<std::vector<double>, kGroupMetrics.size()> columns_;  ///< each part's values together, sorted
  std::vector<std::array<Values, kGroupMetrics.size()>> values_;
};

/// What groups are made of.
struct GroupParts {
  PartValues values;
  SessionTime session;
  MetricTime unflagged_latency;  ///< of runs without a flag
};
[[nodiscard]] GroupParts group_parts(const RunTable& table, const RowGroups& by_part);

inline constexpr double kNoValue = std::numeric_limits<double>::quiet_NaN();  ///< of a run without the metric
inline constexpr double kNoLog = std::numeric_limits<double>::infinity();     ///< of a value that is not positive

inline constexpr size_t kEffects = 4;  ///< effect_metrics(), which the table's first ones are

/// Their logs, by the table's rows: a number, kNoValue or kNoLog.
using EffectLogs = std::array<std::vector<double>, kEffects>;
[[nodiscard]] EffectLogs effect_logs(const RunTable& table);

/// Everything but conclusions and warnings.
void fill_study_of_many(Study& study, const RunTable& table);

/// Its parts.
void fill_groups_of_many(Study& study, const RunTable& table, const GroupParts& of_groups);
void fill_scaling_of_many(Study& study, const RunTable& table, const RowGroups& by_part);
void fill_pairs_of_many(Study& study, const RunTable& table, const EffectLogs& logs);
void fill_variance_of_many(Study& study, const RunTable& table, const EffectLogs& logs);
void fill_drift_of_many(Study& study, const RunTable& table, const std::vector<double>& log_latency);
void fill_determinism_of_many(Study& study, const RunTable& table);

}  // namespace ifm
