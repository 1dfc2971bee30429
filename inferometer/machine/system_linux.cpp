#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <numeric>
#include <vector>

#include <fmt/format.h>

#include "inferometer/machine/hypervisor.h"
#include "inferometer/machine/system.h"
#include "inferometer/machine/text_file.h"

namespace ifm {
namespace {

namespace fs = std::filesystem;

std::string os_name(const fs::path& root) {
  for (const std::string& line : lines_of(root / "etc/os-release")) {
    if (!line.starts_with("PRETTY_NAME=")) continue;
    std::string name = line.substr(12);
    std::erase(name, '"');
    return name;
  }
  return {};
}

std::string kernel_name() {
  utsname name{};
  if (uname(&name) != 0) return {};
  return std::string(name.sysname) + " " + name.release + " " + name.machine;
}

/// Chassis types of the SMBIOS. Source: DMTF DSP0134, 7.4.1.
std::string chassis(const fs::path& root) {
  const auto type = number_of(root / "sys/class/dmi/id/chassis_type");
  if (!type) return {};
  switch (static_cast<int>(*type)) {
    case 8:
    case 9:
    case 10:
    case 14:
    case 31:
    case 32:
      return "laptop";
    case 3:
    case 4:
    case 5:
    case 6:
    case 7:
    case 13:
    case 15:
    case 16:
    case 35:
    case 36:
      return "desktop";
    case 17:
    case 23:
    case 25:
    case 28:
    case 29:
      return "server";
    default:
      return {};
  }
}

bool has_hypervisor_flag(const fs::path& root) {
  for (const std::string& line : lines_of(root / "proc/cpuinfo")) {
    if (line.starts_with("flags")) return (line + " ").find(" hypervisor ") != std::string::npos;
  }
  return false;
}

std::string host_class(const fs::path& root) {
  if (!has_hypervisor_flag(root)) return chassis(root);
  const std::string name = hypervisor_name();
  return name.empty() ? "virtual machine" : fmt::format("virtual machine ({})", name);
}

/// PCI display controllers of vendors whose GPUs compute.
std::string gpu_name(const fs::path& root) {
  for (const fs::path& device : children_of(root / "sys/bus/pci/devices")) {
    if (!first_line_of(device / "class").starts_with("0x03")) continue;
    const std::string vendor = first_line_of(device / "vendor");
    if (vendor == "0x10de") return "NVIDIA GPU";
    if (vendor == "0x1002") return "AMD GPU";
    if (vendor == "0x8086") return "Intel GPU";
  }
  return {};
}

std::optional<int64_t> memory_bytes(const fs::path& root) {
  for (const std::string& line : lines_of(root / "proc/meminfo")) {
    if (!line.starts_with("MemTotal:")) continue;
    const auto kib = first_number_in(line);
    if (kib) return static_cast<int64_t>(*kib) * 1024;
  }
  return std::nullopt;
}

/// The smallest limit on the way from this process's group to the top.
std::optional<double> smallest_quota(const fs::path& top, const std::string& group, bool unified) {
  std::optional<double> smallest;
  std::string at = group;
  while (true) {
    const fs::path folder = top / fs::path(at).relative_path();
    std::optional<double> quota;
    std::optional<double> period;
    if (unified) {
      const std::vector<double> numbers = numbers_in(first_line_of(folder / "cpu.max"));  // "max 100000": no limit
      if (numbers.size() == 2) {
        quota = numbers[0];
        period = numbers[1];
      }
    } else {
      quota = number_of(folder / "cpu.cfs_quota_us");  // -1: no limit
      period = number_of(folder / "cpu.cfs_period_us");
    }
    if (quota && period && *quota > 0 && *period > 0) smallest = std::min(smallest.value_or(*quota / *period), *quota / *period);
    if (at.empty() || at == "/") return smallest;
    at.resize(std::min(at.size() - 1, at.find_last_of('/')));
  }
}

std::optional<double> cpu_quota(const fs::path& root) {
  std::optional<double> quota;
  for (const std::string& line : lines_of(root / "proc/self/cgroup")) {  // "4:cpu,cpuacct:/group", "0::/group"
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = fmt::format(",{},", line.substr(first + 1, second - first - 1));
    const bool unified = controllers == ",,";
    if (!unified && controllers.find(",cpu,") == std::string::npos) continue;
    const auto found = smallest_quota(root / (unified ? "sys/fs/cgroup" : "sys/fs/cgroup/cpu"), line.substr(second + 1), unified);
    if (found) quota = std::min(quota.value_or(*found), *found);
  }
  return quota;
}

std::string power_source(const fs::path& root) {
  std::string source;
  for (const fs::path& supply : children_of(root / "sys/class/power_supply")) {
    const std::string type = first_line_of(supply / "type");
    if (type == "Mains" && first_line_of(supply / "online") == "1") return "mains";
    if (type != "Battery" || first_line_of(supply / "scope") == "Device") continue;  // a mouse has a battery too
    source = first_line_of(supply / "status") == "Discharging" ? "battery" : "mains";
  }
  return source;
}

/// The hottest sensor of the processor.
std::optional<double> temperature(const fs::path& root) {
  std::optional<double> hottest;
  const auto take = [&](const fs::path& file) {
    const auto milli = number_of(file);
    if (milli && *milli > 0) hottest = std::max(hottest.value_or(0), *milli / 1000);
  };
  for (const fs::path& chip : children_of(root / "sys/class/hwmon")) {
    const std::string name = first_line_of(chip / "name");
    if (name == "coretemp" || name == "k10temp" || name == "zenpower" || name == "cpu_thermal") take(chip / "temp1_input");
  }
  for (const fs::path& zone : children_of(root / "sys/class/thermal")) {
    const std::string type = first_line_of(zone / "type");
    if (type == "x86_pkg_temp" || type.starts_with("cpu")) take(zone / "temp");
  }
  return hottest;
}

/// Mean over the cores.
std::optional<double> frequency(const fs::path& root) {
  std::vector<double> mhz;
  for (const fs::path& cpu : children_of(root / "sys/devices/system/cpu")) {
    if (const auto khz = number_of(cpu / "cpufreq/scaling_cur_freq")) mhz.push_back(*khz / 1000);
  }
  if (mhz.empty()) {
    for (const std::string& line : lines_of(root / "proc/cpuinfo")) {
      const auto value = line.starts_with("cpu MHz") ? first_number_in(line) : std::nullopt;
      if (value) mhz.push_back(*value);
    }
  }
  if (mhz.empty()) return std::nullopt;
  return std::accumulate(mhz.begin(), mhz.end(), 0.0) / static_cast<double>(mhz.size());
}

/// Source: Linux Documentation/admin-guide/pm/intel_pstate.rst and cpufreq.rst.
std::string boost(const fs::path& root) {
  const fs::path cpu = root / "sys/devices/system/cpu";
  if (const auto no_turbo = number_of(cpu / "intel_pstate/no_turbo")) return *no_turbo == 0 ? "on" : "off";
  if (const auto allowed = number_of(cpu / "cpufreq/boost")) return *allowed != 0 ? "on" : "off";
  return {};
}

std::string microcode(const fs::path& root) {
  for (const std::string& line : lines_of(root / "proc/cpuinfo")) {
    const std::size_t value = line.find(": ");
    if (line.starts_with("microcode") && value != std::string::npos) return line.substr(value + 2);
  }
  return {};
}

}  // namespace

MachineFacts machine_facts(const fs::path& root) {
  return {.os = os_name(root),
          .kernel = kernel_name(),
          .host_class = host_class(root),
          .gpu = gpu_name(root),
          .microcode = microcode(root),
          .memory_bytes = memory_bytes(root),
          .cpu_quota_cores = cpu_quota(root)};
}

MachineState machine_state(const fs::path& root) {
  return {.governor = first_line_of(root / "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
          .power_source = power_source(root),
          .boost = boost(root),
          .frequency_mhz = frequency(root),
          .temperature_c = temperature(root),
          .load_1m = first_number_in(first_line_of(root / "proc/loadavg"))};
}

std::optional<CpuTimes> cpu_times(const fs::path& root) {
  const std::string line = first_line_of(root / "proc/stat");
  if (!line.starts_with("cpu ")) return std::nullopt;
  // user nice system idle iowait irq softirq steal (guest times are part of user). Source: proc(5).
  const std::vector<double> ticks = numbers_in(line);
  if (ticks.size() < 8) return std::nullopt;
  CpuTimes times;
  for (std::size_t i = 0; i < 8; ++i) times.total += static_cast<uint64_t>(ticks[i]);
  times.idle = static_cast<uint64_t>(ticks[3] + ticks[4]);
  times.stolen = static_cast<uint64_t>(ticks[7]);
  return times;
}

std::optional<int64_t> suspended_ns() {
  timespec with_sleep{};
  timespec without{};
  if (clock_gettime(CLOCK_MONOTONIC, &without) != 0 || clock_gettime(CLOCK_BOOTTIME, &with_sleep) != 0) return std::nullopt;
  return (int64_t{with_sleep.tv_sec} - without.tv_sec) * 1'000'000'000 + (with_sleep.tv_nsec - without.tv_nsec);
}

std::optional<int64_t> peak_resident_bytes() {
  rusage usage{};
  if (getrusage(RUSAGE_SELF, &usage) != 0) return std::nullopt;
  return int64_t{usage.ru_maxrss} * 1024;
}

}  // namespace ifm
