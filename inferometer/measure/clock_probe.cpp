#include "inferometer/measure/clock_probe.h"

#include <algorithm>
#include <cstdint>

#include "inferometer/stats/describe.h"

namespace ifm {
namespace {

constexpr int64_t kSleepNs = 1'000'000;
constexpr int kStampReads = 100'000;

/// How late the next millisecond of sleep ends.
double late_wakeup_ns(Clock& clock) {
  const int64_t due_ns = clock.now_ns() + kSleepNs;
  clock.wait_until(due_ns);
  return static_cast<double>(clock.now_ns() - due_ns);
}

}  // namespace

Spread spread_of(std::span<const double> values) {
  return {.n = static_cast<int>(values.size()),
          .p50 = stats::quantile(values, 0.5).value_or(0),
          .p99 = stats::quantile(values, 0.99).value_or(0),
          .max = stats::maximum(values).value_or(0)};
}

double measure_stamp_ns(Clock& clock) {
  const int64_t begin_ns = clock.now_ns();
  int64_t last_ns = 0;
  for (int i = 0; i < kStampReads; ++i) last_ns = clock.now_ns();
  return static_cast<double>(last_ns - begin_ns) / kStampReads;
}

std::vector<double> late_wakeups_ns(Clock& clock, int wakeups) {
  std::vector<double> late_ns;
  late_ns.reserve(static_cast<std::size_t>(wakeups));
  for (int i = 0; i < wakeups; ++i) late_ns.push_back(late_wakeup_ns(clock));
  return late_ns;
}

SleepProbe::SleepProbe()
    : thread_([this] {
        SteadyClock clock;
        while (!stop_) late_ns_.push_back(late_wakeup_ns(clock));
      }) {}

std::vector<double> SleepProbe::finish() {
  stop_ = true;
  if (thread_.joinable()) thread_.join();
  return late_ns_;
}

}  // namespace ifm
