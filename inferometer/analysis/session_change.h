#pragma once

#include <map>
#include <optional>
#include <span>
#include <vector>

#include "inferometer/record/store.h"
#include "inferometer/stats/interval.h"

/// How far a time is another one when a plan is run again, on a machine that may itself have become faster or slower meanwhile.
namespace ifm {

/// Of each block the log of what its canary took: the mean of both kernels'. Blocks without a canary are absent.
using BlockPaces = std::map<int, double>;
[[nodiscard]] BlockPaces block_paces(const std::vector<BlockRecord>& blocks);

/// A time of a session's run as a log, in execution order.
struct CellTime {
  double log = 0;
  int cell = 0;
  int block = 0;
};

/// The values of a session in which a plan was run.
struct SessionTimes {
  std::vector<CellTime> values;
  BlockPaces paces;
};

/// A mean of one session over that of another, as a log, and how well it is known.
struct SessionChange {
  double change = 0;  ///< as measured: mean over cells, now − then
  double variance = 0;
  double degrees_of_freedom = 1;
  /// What the canary changed by between the sessions; 0 without one.
  double pace_change = 0;
  /// How much of the canary's change the values follow (0 not at all, 1 all of it): by regression over blocks once there are
  /// enough of them, else anything from 0 to 1.
  Interval following{0, 0};
  /// Of the change that is not the machine's own: the union over `following`.
  Interval interval;
};

/// The change of the mean over the cells that both sessions have. The variance is that within cells, as much larger as
/// neighbouring values are alike; between blocks where these differ by more, or are ten or more. level: of the interval. Null
/// when no cell is in both, or a session has no two values of one.
[[nodiscard]] std::optional<SessionChange> session_change(const SessionTimes& then, const SessionTimes& now, double level);

/// ± so much around a difference of two independent changes is its interval (Satterthwaite).
[[nodiscard]] double half_width_of_difference(const SessionChange& a, const SessionChange& b, double level);

}  // namespace ifm
