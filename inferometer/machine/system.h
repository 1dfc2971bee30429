#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace ifm {

/// What does not change while a session runs; unknown = null or empty.
struct MachineFacts {
  std::string os;          ///< "Debian GNU/Linux 12 (bookworm)", "macOS 14.5"
  std::string kernel;      ///< "Linux 6.1.0 x86_64"
  std::string host_class;  ///< "virtual machine (KVM)", "laptop", "desktop", "server"
  std::string gpu;         ///< "NVIDIA GPU": one that is there, used or not
  std::string microcode;   ///< its revision: "0xd000404"
  std::optional<int64_t> memory_bytes;
  std::optional<double> cpu_quota_cores;  ///< a cgroup's limit on this process; null = none or unknown
};

/// What may change from block to block.
struct MachineState {
  std::string governor;                 ///< "performance", "powersave", …
  std::string power_source;             ///< "mains", "battery"
  std::string boost;                    ///< "on", "off": whether the clock may go beyond its nominal frequency
  std::optional<double> frequency_mhz;  ///< mean over cores
  std::optional<double> temperature_c;  ///< of the processor's hottest sensor
  std::optional<double> load_1m;
};

/// CPU time of the whole machine since boot, in the OS's ticks.
struct CpuTimes {
  uint64_t total = 0;
  uint64_t stolen = 0;  ///< by the hypervisor
  uint64_t idle = 0;    ///< or waiting for a disk
};

/// `root` is where the OS keeps /proc and /sys; another one than "/" is for tests. Never throw.
[[nodiscard]] MachineFacts machine_facts(const std::filesystem::path& root = "/");
[[nodiscard]] MachineState machine_state(const std::filesystem::path& root = "/");
[[nodiscard]] std::optional<CpuTimes> cpu_times(const std::filesystem::path& root = "/");

/// Share of CPU time stolen between two moments, in percent; null when no tick passed.
[[nodiscard]] std::optional<double> steal_percent(const std::optional<CpuTimes>& before, const std::optional<CpuTimes>& after);

/// Time that the machine has slept since boot: a jump between two calls is a suspend.
[[nodiscard]] std::optional<int64_t> suspended_ns();

/// Largest resident set of this process so far.
[[nodiscard]] std::optional<int64_t> peak_resident_bytes();

/// Smallest step that std::chrono::steady_clock was seen to make over some thousand reads.
[[nodiscard]] std::optional<double> timer_resolution_ns();

}  // namespace ifm
