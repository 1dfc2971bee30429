#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "inferometer/analysis/groups.h"
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

/// What time does to a metric, by its place in kGroupMetrics, over the runs of some parts: as time_of, from every run.
[[nodiscard]] MetricTime time_of_parts(const RunTable& table, size_t metric, const std::vector<int>& parts);

/// Values of parts, sorted, with their moments: a group of any parts costs no pass over runs.
class PartValues {
 public:
  PartValues(const RunTable& table, const std::vector<std::vector<uint32_t>>& rows_by_part);
  /// As make_group of all runs of these parts.
  [[nodiscard]] Group group(std::string label, std::map<std::string, std::string> keys, const std::vector<int>& parts,
                            const SessionTime& session) const;
  /// Of one metric, by its place in kGroupMetrics.
  [[nodiscard]] MetricSummary summarize(size_t metric, const std::vector<int>& parts, const MetricTime& session) const;

 private:
  struct Values {
    std::vector<double> sorted;
    stats::Moments plain, logs;
    stats::TimedMoments timed;
    bool positive = true;
  };
  static void fill(Values& values);

  const RunTable& table_;
  std::vector<std::array<Values, kGroupMetrics.size()>> values_;
};

/// What groups are made of.
struct GroupParts {
  PartValues values;
  SessionTime session;
  MetricTime unflagged_latency;  ///< of runs without a flag
};
[[nodiscard]] GroupParts group_parts(const RunTable& table, const std::vector<std::vector<uint32_t>>& rows);

/// Everything but conclusions and warnings.
void fill_study_of_many(Study& study, const RunTable& table);

/// Its parts. `rows`: the table's rows_by_part().
void fill_groups_of_many(Study& study, const RunTable& table, const GroupParts& of_groups);
void fill_scaling_of_many(Study& study, const RunTable& table, const std::vector<std::vector<uint32_t>>& rows);
void fill_pairs_of_many(Study& study, const RunTable& table, const std::vector<std::vector<uint32_t>>& rows);
void fill_variance_of_many(Study& study, const RunTable& table);
void fill_drift_of_many(Study& study, const RunTable& table, const std::vector<std::vector<uint32_t>>& rows);
void fill_determinism_of_many(Study& study, const RunTable& table);

}  // namespace ifm
