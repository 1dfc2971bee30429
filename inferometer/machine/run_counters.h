#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "inferometer/machine/energy.h"

namespace ifm {

/// What has been counted up to a moment: the difference of two readings is what a run between them used. Unknown = null.
struct RunCounters {
  std::optional<int64_t> own_cpu_ns;       ///< user and system time of this process, all threads
  std::optional<int64_t> children_cpu_ns;  ///< of its descendants, and of those children that have ended
  std::optional<int64_t> minor_faults;     ///< of this process (getrusage), not of children: pages mapped without reading a disk
  std::optional<int64_t> major_faults;     ///< of this process: pages that a disk was read for
  std::optional<int64_t> voluntary_switches;    ///< of this process: its threads waited
  std::optional<int64_t> involuntary_switches;  ///< of this process: the OS took the processor from its threads
  std::optional<int64_t> peak_resident_bytes;   ///< largest resident set of this process since it began
  std::optional<std::vector<PackageEnergy>> energy;
};

/// Which end of a run is read: what reading itself would change stands nearest to the run.
enum class RunEdge { begin, end };

/// Reads all counters; takes some milliseconds, for it reads the list of processes (process_cpu.h). The time of a descendant
/// whose own parent is not this process counts only once that parent has ended. `root` is where the OS keeps /sys. Never throws.
[[nodiscard]] RunCounters run_counters(RunEdge edge, const std::filesystem::path& root = "/");

}  // namespace ifm
