#pragma once

#include <thread>

#include "inferometer/base/stop.h"

namespace ifm {

/// While it lives, the first SIGINT or SIGTERM asks for a stop through the token, so that the work at hand can be finished or
/// recorded; the second one ends the process at once with exit code 130 (FAULTS 90). One at a time.
class InterruptGuard {
 public:
  InterruptGuard();
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

  /// Stops as soon as the signal was seen. Callbacks run on a thread of this object, not in the signal handler.
  [[nodiscard]] StopToken token() const { return source_.get_token(); }
  [[nodiscard]] bool interrupted() const { return source_.stop_requested(); }
  /// Asks for the stop as a signal would; for a reader of our output that has gone away.
  void request_stop() { source_.request_stop(); }

 private:
  StopSource source_;
  std::thread watcher_;
};

}  // namespace ifm
