#pragma once

#include <optional>
#include <string>
#include <vector>

#include "inferometer/cli/output.h"
#include "inferometer/machine/cpu.h"
#include "inferometer/machine/system.h"

namespace ifm {

/// A figure with one thread and with one thread for each physical core.
struct OneAndAll {
  double one = 0;
  double all = 0;
};

/// What multiply-adds of one kind reach.
struct PeakFigure {
  OneAndAll gmac_per_s;
  std::string instruction;  ///< that reached it with all threads
};

/// What `doctor` found out about this machine; unknown = null or empty.
struct Diagnosis {
  CpuInfo cpu;
  std::string isa;                ///< the best set of this build that runs here
  std::vector<std::string> isas;  ///< all of them
  MachineFacts facts;
  MachineState state;
  OneAndAll read_gb_per_s;
  /// Of the processor, also where a weaker set of kernels is asked for; no bf16 = the processor has no such dot products.
  PeakFigure int8_peak, f32_peak;
  std::optional<PeakFigure> bf16_peak;
  std::optional<double> timer_resolution_ns;
  std::optional<double> steal_percent;   ///< while the measurements ran
  std::vector<std::string> unavailable;  ///< what the machine does not tell, and why
};

/// Measures for about three seconds.
[[nodiscard]] Diagnosis diagnose();
[[nodiscard]] Json doctor_json(const Diagnosis& diagnosis);
/// What makes measurements on this machine unreliable or slow, and what to do about it: one sentence each.
[[nodiscard]] std::vector<std::string> doctor_advice(const Diagnosis& diagnosis);
/// The table for people.
[[nodiscard]] std::string doctor_table(const Diagnosis& diagnosis);

}  // namespace ifm
