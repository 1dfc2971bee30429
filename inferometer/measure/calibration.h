#pragma once

#include <optional>

#include "inferometer/measure/clock_probe.h"

namespace ifm {

/// What a server on the loopback interface says that it sent, and when, against what the client measured.
struct LoopbackTruth {
  int requests = 0;
  Spread receive_minus_send_ns;  ///< of every token event
  Spread ttft_error_ns;          ///< TTFT measured − true, per request
  double mean_itl_error = 0;     ///< |mean gap measured / true − 1|, over all requests
  double e2e_error = 0;          ///< the largest |E2E measured / true − 1|
};

/// METHOD's bounds on a quiet machine: receive − send p99 ≤ 0.25 ms; TTFT p50 ≤ 0.5 ms, p99 ≤ 2 ms; mean ITL ≤ 0.2 %; E2E ≤ 0.5
/// %.
[[nodiscard]] bool within_bounds(const LoopbackTruth& truth);

/// How much the machine disturbs a measurement; by a thread that only sleeps and looks at the clock, and by the OS's account.
struct Disturbance {
  Spread late_ns;                       ///< how late the thread woke up
  std::optional<double> others_cores;   ///< cores that other processes kept busy; null where the OS does not tell
  std::optional<double> steal_percent;  ///< CPU time that a hypervisor took
  [[nodiscard]] bool quiet() const;
};

/// The instrument measured by itself.
struct Calibration {
  double overhead_ns_per_token = 0;  ///< that the laboratory spends, on an engine that takes no time (METHOD 12)
  double stamp_ns = 0;               ///< one reading of the clock
  std::optional<double> timer_resolution_ns;
  LoopbackTruth loopback;
  Disturbance disturbance;  ///< while the loopback was measured
};

/// Takes about eight seconds. @throws Error network when the loopback interface cannot be used.
[[nodiscard]] Calibration calibrate();

}  // namespace ifm
