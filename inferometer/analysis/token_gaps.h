#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "inferometer/analysis/study.h"
#include "inferometer/record/run.h"
#include "inferometer/stats/histogram.h"
#include "inferometer/stats/time_structure.h"

namespace ifm {

/// Pools the times between token events of a session's timed runs, by series, in memory that does not grow with their number:
/// runs that follow one another share a histogram once there are many.
class TokenGapCollector {
 public:
  /// Takes the next run, with its stamps, in execution order; those that are not timed are passed over.
  void add(const Run& run);
  /// Takes all of a collector of runs that came later.
  void append(TokenGapCollector&& later);
  /// What was seen, by the first run of each series.
  [[nodiscard]] std::vector<TokenGaps> finish() const;

 private:
  struct Pool {
    Run levels;  ///< mode, engine and model
    bool one_token_events = true;
    int runs = 0;
    size_t runs_of_cluster = 1;
    size_t in_last = 0;  ///< runs in the last cluster
    std::vector<stats::Histogram> clusters;
    std::vector<stats::TimedValue> means;  ///< of each run's gaps
  };
  Pool& pool_of(const Run& run);
  static void make_room(Pool& pool);
  static void merge_neighbours(Pool& pool);

  std::vector<Pool> pools_;
};

}  // namespace ifm
