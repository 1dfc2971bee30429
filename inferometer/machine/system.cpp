#include "inferometer/machine/system.h"

#include <algorithm>
#include <chrono>
#include <limits>

namespace ifm {

std::optional<double> steal_percent(const std::optional<CpuTimes>& before, const std::optional<CpuTimes>& after) {
  if (!before || !after || after->total <= before->total || after->stolen < before->stolen) return std::nullopt;
  return 100.0 * static_cast<double>(after->stolen - before->stolen) / static_cast<double>(after->total - before->total);
}

std::optional<double> timer_resolution_ns() {
  constexpr int kReads = 20'000;
  int64_t smallest = std::numeric_limits<int64_t>::max();
  auto last = std::chrono::steady_clock::now();
  for (int i = 0; i < kReads; ++i) {
    const auto now = std::chrono::steady_clock::now();
    const int64_t step = std::chrono::duration_cast<std::chrono::nanoseconds>(now - last).count();
    if (step > 0) smallest = std::min(smallest, step);
    last = now;
  }
  if (smallest == std::numeric_limits<int64_t>::max()) return std::nullopt;
  return static_cast<double>(smallest);
}

}  // namespace ifm
