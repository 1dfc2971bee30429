#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "inferometer/analysis/study.h"
#include "inferometer/record/run.h"

namespace ifm {

/// A metric that groups summarize.
struct GroupMetric {
  std::optional<double> RunMetrics::*of;
  MetricSummary Group::*summary;
};
/// The first four in the order of effect_metrics().
inline constexpr std::array<GroupMetric, 8> kGroupMetrics{{{&RunMetrics::e2e_s, &Group::latency_s},
                                                           {&RunMetrics::output_tok_per_s, &Group::throughput_tok_per_s},
                                                           {&RunMetrics::ttft_s, &Group::ttft_s},
                                                           {&RunMetrics::decode_tok_per_s, &Group::decode_tok_per_s},
                                                           {&RunMetrics::prefill_tok_per_s, &Group::prefill_tok_per_s},
                                                           {&RunMetrics::load_s, &Group::load_s},
                                                           {&RunMetrics::tpot_s, &Group::tpot_s},
                                                           {&RunMetrics::joules_per_token, &Group::joules_per_token}}};

constexpr size_t kLatency = 0;  ///< its place there

/// Whether two runs are of the same cell with the same levels of every factor.
[[nodiscard]] bool same_levels(const Run& a, const Run& b);

/// Many measured runs in little memory: 88 bytes a timed one, and of those that share all factor levels ("part") what they share.
class RunTable {
 public:
  /// What of timed runs is not their part's, in execution order.
  struct Columns {
    std::vector<uint32_t> part;
    std::vector<int> block, repeat;
    std::vector<int> output_tokens;                                 ///< unknown: −1
    std::vector<double> start_h;                                    ///< hours after the session's start
    std::array<std::vector<double>, kGroupMetrics.size()> metrics;  ///< NaN where there is none
  };

  /// Runs with the same cell and levels, flagged or not.
  struct Part {
    Run levels;  ///< its first run without tokens; its id is the part's number here
    bool flagged = false;
    int runs_ok = 0, runs_failed = 0;
    int greedy_runs = 0;      ///< with ids, at temperature 0
    bool ids_differ = false;  ///< among these
    double rated_tokens = 0;  ///< ΣN and ΣE2E where a rate is known
    double rated_seconds = 0;
  };

  /// Takes a measured run, in execution order.
  void add(const Run& run);
  /// Takes all of a table of runs that came later.
  void append(RunTable&& later);

  [[nodiscard]] const Columns& columns() const { return columns_; }
  [[nodiscard]] size_t timed() const { return columns_.part.size(); }  ///< runs
  [[nodiscard]] const std::vector<Part>& parts() const { return parts_; }
  [[nodiscard]] const std::map<std::string, int>& flags() const { return flags_; }  ///< runs by flag
  /// The runs that stand for the parts, in the parts' order.
  [[nodiscard]] std::vector<const Run*> levels() const;

 private:
  int part_of(const Run& run, bool flagged);

  Columns columns_;
  std::vector<Part> parts_;
  std::unordered_map<int, std::vector<int>> parts_of_cell_;
  std::map<std::string, int> flags_;
};

}  // namespace ifm
