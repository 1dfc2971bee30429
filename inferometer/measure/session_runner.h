#pragma once

#include <map>
#include <optional>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "inferometer/measure/early_stop.h"
#include "inferometer/measure/loaded_pair.h"
#include "inferometer/measure/one_run.h"
#include "inferometer/measure/order.h"
#include "inferometer/measure/runner.h"

namespace ifm {

/// One execution of run_session(): the state that goes from run to run.
class SessionRunner {
 public:
  SessionRunner(const Plan& plan, const SessionOptions& options, SessionWorld world);
  SessionOutcome run();

 private:
  /// Runs that share a loaded model; they stand together in a block.
  struct Group {
    Mode mode = Mode::warm;
    int engine = 0;
    int model = 0;
    [[nodiscard]] bool operator==(const Group&) const = default;
  };
  using PairKey = std::pair<int, int>;  ///< engine, model

  void begin_fresh();
  void begin_resumed();
  void run_block(int block, const std::vector<PlannedRun>& planned);
  void begin_block(int block);
  [[nodiscard]] int flagged_pairs() const;
  void end_processes();
  void end_process_without_turns(std::span<const PlannedRun> left);
  void record_block(int block);
  std::optional<double> share_of_those_that_wait();
  void run_planned(int block, const PlannedRun& planned);
  void park_group();
  void enter_group(const Group& group, int block, const Cell& cell);
  void warm_up(int block, const Cell& cell, Model& model, const LoadedPair* just_loaded, int runs);
  [[nodiscard]] Run new_run(int block, const Cell& cell, int repeat, RunKind kind) const;
  void run_warm(Run& run, const Cell& cell);
  void run_cold(Run& run, const Cell& cell);
  void measured(Run& run, const std::function<void()>& work);
  void commit(Run& run);
  void remember_model(const Cell& cell, const LoadedPair& pair);
  void finish();

  const Plan& plan_;
  SessionOptions options_;
  SessionWorld world_;
  std::vector<Cell> cells_;
  ModelPaths paths_;
  int64_t session_ = 0;
  uint64_t order_seed_ = 0;
  SessionOrigin origin_;
  std::set<std::pair<int, int>> done_;  ///< (cell, repeat) committed
  int next_order_ = 0;
  std::optional<int> last_order_;  ///< of this process
  bool engines_awake_ = false;     ///< in this block engines that wait were seen to use the processor
  std::optional<EarlyStop> early_stop_;
  std::optional<Group> group_;
  std::map<PairKey, LoadedPair> loaded_;
  std::map<PairKey, int> warmups_;  ///< warm-up runs so far, for their seeds
  std::vector<SessionModel> models_;
  SessionOutcome outcome_;
};

}  // namespace ifm
