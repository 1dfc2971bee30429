#include "inferometer/machine/process_cpu.h"

#include <chrono>
#include <thread>

namespace ifm {

std::optional<double> family_busy_cores(int64_t duration_ns) {
  using Steady = std::chrono::steady_clock;
  const auto before = family_cpu_ns();
  const auto begin = Steady::now();
  std::this_thread::sleep_for(std::chrono::nanoseconds(duration_ns));
  const auto end = Steady::now();
  const auto after = family_cpu_ns();
  if (!before || !after) return std::nullopt;
  int64_t used_ns = 0;
  for (const auto& [process, ns] : *after) {
    const auto at = before->find(process);
    if (at != before->end()) used_ns += ns - at->second;
  }
  return static_cast<double>(used_ns) / static_cast<double>(std::chrono::nanoseconds(end - begin).count());
}

}  // namespace ifm
