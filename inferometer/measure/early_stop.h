#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "inferometer/record/plan.h"
#include "inferometer/record/run.h"
#include "inferometer/stats/sequential.h"

namespace ifm {

/// Ends a session at a planned look, once the mean of what its plan names is known well enough in every series (mode, engine and
/// model), over that series' cells; or when its time is up. What it decides depends on what was measured only at those looks.
class EarlyStop {
 public:
  explicit EarlyStop(const PlanStop& stop);
  /// A measured run that has ended; failed ones do not count.
  void add(const Run& run);
  /// Whether no further block is to begin. blocks_done: runs of each cell so far; called once for each, in order.
  [[nodiscard]] bool ends_after(int blocks_done, int64_t session_ns);

 private:
  struct Series {
    std::vector<stats::TimedValue> values;
    std::optional<stats::Look> last_look;
  };
  [[nodiscard]] bool look();

  PlanStop stop_;
  stats::StopRule rule_;
  std::vector<int> looks_;
  std::map<std::string, Series> series_;
};

}  // namespace ifm
