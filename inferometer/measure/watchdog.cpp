#include "inferometer/measure/watchdog.h"

#include <chrono>
#include <utility>

namespace ifm {

Watchdog::Watchdog(const TokenRecorder& recorder, const PlanTimeouts& timeouts, StopSource source)
    : recorder_(recorder), source_(std::move(source)), thread_([this, timeouts] { watch(timeouts); }) {}

Watchdog::~Watchdog() {
  {
    const std::lock_guard lock(mutex_);
    done_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void Watchdog::watch(const PlanTimeouts& timeouts) {
  using Seconds = std::chrono::duration<double>;
  using SteadyTime = std::chrono::steady_clock::time_point;
  SteadyTime last_change = std::chrono::steady_clock::now();
  int last_events = 0;
  std::unique_lock lock(mutex_);
  while (!done_) {
    const Seconds limit(last_events == 0 ? timeouts.first_token_s : timeouts.gap_s);
    if (wake_.wait_for(lock, limit / 8, [this] { return done_; })) return;
    const SteadyTime now = std::chrono::steady_clock::now();
    const int events = recorder_.events();
    if (events != last_events) {
      last_events = events;
      last_change = now;
    } else if (now - last_change > limit) {
      fired_.store(true);
      source_.request_stop();
      return;
    }
  }
}

}  // namespace ifm
