#pragma once

#include <optional>
#include <unordered_map>
#include <vector>

#include "inferometer/record/store.h"

namespace ifm {

/// A block is flagged when its canary is off by more than this share of the session's median (METHOD 10).
inline constexpr double kCanaryTolerance = 0.05;

/// What a session's blocks say of its runs.
class CanaryRatios {
 public:
  explicit CanaryRatios(const std::vector<BlockRecord>& blocks);
  /// Sets `canary_ratio` of a run from its block: of the compute and the read kernel the one that is farther from the session's
  /// median; adds the flag "canary" beyond the tolerance. A run whose block is unknown, or that has a ratio, stays as it is.
  void apply(Run& run) const;

 private:
  struct Part {
    int first_order;
    std::optional<double> ratio;
  };
  std::unordered_map<int, std::vector<Part>> blocks_;  ///< by block: its records, in their order
};

}  // namespace ifm
