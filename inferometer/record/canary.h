#pragma once

#include <vector>

#include "inferometer/record/store.h"

namespace ifm {

/// A block is flagged when its canary is off by more than this share of the session's median (METHOD 10).
inline constexpr double kCanaryTolerance = 0.05;

/// Sets `canary_ratio` of each run from its block: of the compute and the read kernel the one that is farther from the session's
/// median; adds the flag "canary" beyond the tolerance. Runs whose block is unknown, or that have a ratio, stay as they are.
void apply_canary(std::vector<Run>& runs, const std::vector<BlockRecord>& blocks);

}  // namespace ifm
