#pragma once

#include <map>
#include <optional>
#include <set>
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

/// A mean of one session over that of another, as a log.
struct SessionChange {
  double change = 0;       ///< as measured: mean over cells, now − then
  double pace_change = 0;  ///< what the canary changed by between the sessions; 0 without one
  /// How much of the canary's change the values follow (0 not at all, 1 all of it): by regression over blocks once there are
  /// enough of them; else anything from 0 to 1 where the canary shows that the machine has changed, and 0 where it does not.
  Interval following{0, 0};
  Interval interval;  ///< of the change that is not the machine's own: the union over `following`
};

/// The change of the mean over the cells that both sessions have. The variance is that within cells, as much larger as
/// neighbouring values are alike, or, where that is more, what tenths of the session differ by; from ten blocks on that of
/// blocks. level: of the interval. Null when no cell is in both, or a session has no two values of one.
[[nodiscard]] std::optional<SessionChange> session_change(const SessionTimes& then, const SessionTimes& now, double level);

/// A ratio of one session over that of another, as a log.
struct RatioChange {
  double change = 0;
  Interval interval;
};

/// The change of how much longer the cells of `above` take than those of `below`. A block's speed, which all of its runs share,
/// falls out of it; what a machine does to some cells only, for minutes, shows in tenths of the session, as there. Null as
/// session_change().
[[nodiscard]] std::optional<RatioChange> ratio_change(const SessionTimes& then, const SessionTimes& now,
                                                      const std::set<int>& above, const std::set<int>& below, double level);

}  // namespace ifm
