#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "inferometer/base/stop.h"
#include "inferometer/measure/token_recorder.h"
#include "inferometer/record/plan.h"

namespace ifm {

/// Watches one run from a thread of its own, which sleeps nearly always: when no event comes for the plan's time limit (an
/// eighth longer at most), it asks the engine to stop. Real time only.
class Watchdog {
 public:
  /// Watches until it is destroyed. Both must outlive it.
  Watchdog(const TokenRecorder& recorder, const PlanTimeouts& timeouts, StopSource source);
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;
  ~Watchdog();
  /// Whether it had to stop the run.
  [[nodiscard]] bool fired() const { return fired_.load(); }

 private:
  void watch(const PlanTimeouts& timeouts);

  const TokenRecorder& recorder_;
  StopSource source_;
  std::atomic<bool> fired_{false};
  std::mutex mutex_;
  std::condition_variable wake_;
  bool done_ = false;
  std::thread thread_;
};

}  // namespace ifm
