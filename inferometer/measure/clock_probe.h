#pragma once

#include <atomic>
#include <span>
#include <thread>
#include <vector>

#include "inferometer/base/clock.h"

namespace ifm {

/// Quantiles of what was measured many times. n ≥ 1.
struct Spread {
  int n = 0;
  double p50 = 0, p99 = 0, max = 0;
};
[[nodiscard]] Spread spread_of(std::span<const double> values);

/// What one reading of a clock takes, ns, over 100,000 of them.
[[nodiscard]] double measure_stamp_ns(Clock& clock);

/// Sleeps for a millisecond, `wakeups` times, and says how much later than that it woke up each time, ns.
[[nodiscard]] std::vector<double> late_wakeups_ns(Clock& clock, int wakeups);

/// Does the same on a thread of its own, until it is finished.
class SleepProbe {
 public:
  SleepProbe();
  SleepProbe(const SleepProbe&) = delete;
  SleepProbe& operator=(const SleepProbe&) = delete;
  ~SleepProbe() { (void)finish(); }
  std::vector<double> finish();

 private:
  std::atomic<bool> stop_{false};
  std::vector<double> late_ns_;
  std::thread thread_;
};

}  // namespace ifm
