#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include <sys/types.h>

namespace ifm {

/// CPU time that this process and each of its descendants have used so far, ns by process id; null where the OS does not tell.
/// Reads the list of processes: some milliseconds. Never throws.
[[nodiscard]] std::optional<std::map<pid_t, int64_t>> family_cpu_ns();

/// Cores that this process and its descendants keep busy, measured over `duration_ns` in which this thread sleeps; processes that
/// begin or end meanwhile are left out.
[[nodiscard]] std::optional<double> family_busy_cores(int64_t duration_ns);

}  // namespace ifm
