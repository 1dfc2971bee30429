#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "inferometer/machine/run_counters.h"
#include "inferometer/machine/system.h"
#include "inferometer/measure/canary.h"
#include "inferometer/record/session.h"

namespace ifm {

/// What the runner asks of the machine; handed in, so that tests can answer instead.
class MachineProbe {
 public:
  virtual ~MachineProbe() = default;
  /// Everything of METHOD 10 and 12; takes about a second.
  [[nodiscard]] virtual Environment environment() = 0;
  [[nodiscard]] virtual MachineState state() = 0;
  [[nodiscard]] virtual std::optional<CanaryTimes> canary() = 0;
  [[nodiscard]] virtual std::optional<CpuTimes> cpu_times() = 0;
  [[nodiscard]] virtual std::optional<int64_t> suspended_ns() = 0;
  /// What has been counted so far, before or after a run.
  [[nodiscard]] virtual RunCounters counters(RunEdge edge) = 0;
  /// Cores that we and our children keep busy while this thread sleeps for a moment (METHOD 3: engines that wait use no CPU).
  [[nodiscard]] virtual std::optional<double> waiting_cpu_share() = 0;
  /// Share of a model's weights in the page cache.
  [[nodiscard]] virtual std::optional<double> page_cache_share(const std::filesystem::path& model) = 0;
  virtual void drop_page_cache(const std::filesystem::path& model) = 0;
  /// Wall clock, ISO 8601, for people.
  [[nodiscard]] virtual std::string utc_now() = 0;
};

/// The machine that we run on.
[[nodiscard]] std::unique_ptr<MachineProbe> make_machine_probe();

/// Time that the laboratory itself spends on a token, measured on an engine that takes none (METHOD 12), ns.
[[nodiscard]] double measure_harness_overhead_ns();

}  // namespace ifm
