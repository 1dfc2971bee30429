#pragma once

#include <string>
#include <vector>

#include "inferometer/analysis/comparison.h"

namespace ifm {

/// A side out of a stored session: the runs of one of its engines.
struct StoredSide {
  const Session& session;
  const std::vector<Run>& runs;
  std::string engine;  ///< its id in the session's plan
};

/// The engine that a side is, by its id; empty: the only one. @throws Error usage when there is none such, when there are several
/// to choose from, or when the session's plan has more than one model.
[[nodiscard]] std::string stored_engine(const Session& session, const std::string& engine);

/// Effect and 95 % interval (Welch, on logs, over runs) of every cell that both sides have. There is never a verdict:
/// `incomparable` says why, first that each side is one process in a time of its own, then what else differs (machine, weights,
/// prompts, lengths). metrics: as compare_sides().
[[nodiscard]] ComparisonReport compare_stored(const StoredSide& a, const StoredSide& b, const std::vector<std::string>& metrics);

}  // namespace ifm
