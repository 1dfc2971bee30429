#include <sys/resource.h>
#include <sys/sysctl.h>
#include <sys/utsname.h>

#include <array>
#include <cstdlib>
#include <ctime>

#include "inferometer/machine/system.h"

namespace ifm {
namespace {

std::string sysctl_text(const char* key) {
  std::array<char, 256> text{};
  size_t size = text.size() - 1;
  return sysctlbyname(key, text.data(), &size, nullptr, 0) == 0 ? std::string(text.data()) : std::string();
}

std::optional<int64_t> sysctl_number(const char* key) {
  int64_t value = 0;
  size_t size = sizeof value;
  if (sysctlbyname(key, &value, &size, nullptr, 0) != 0) return std::nullopt;
  return value;
}

}  // namespace

MachineFacts machine_facts(const std::filesystem::path& /*root*/) {
  MachineFacts facts;
  const std::string version = sysctl_text("kern.osproductversion");
  if (!version.empty()) facts.os = "macOS " + version;
  utsname name{};
  if (uname(&name) == 0) facts.kernel = std::string(name.sysname) + " " + name.release + " " + name.machine;
  const std::string model = sysctl_text("hw.model");
  if (sysctl_number("kern.hv_vmm_present").value_or(0) != 0) {
    facts.host_class = "virtual machine";
  } else if (!model.empty()) {
    facts.host_class = model.find("Book") != std::string::npos ? "laptop" : "desktop";
  }
  if (std::string(name.machine) == "arm64") facts.gpu = "Apple GPU";
  facts.memory_bytes = sysctl_number("hw.memsize");
  return facts;
}

MachineState machine_state(const std::filesystem::path& /*root*/) {
  MachineState state;
  std::array<double, 1> load{};
  if (getloadavg(load.data(), 1) == 1) state.load_1m = load[0];
  return state;
}

std::optional<CpuTimes> cpu_times(const std::filesystem::path& /*root*/) { return std::nullopt; }

std::optional<int64_t> suspended_ns() {
  // CLOCK_MONOTONIC_RAW goes on while the machine sleeps, CLOCK_UPTIME_RAW does not. Source: clock_gettime(3) of macOS.
  return static_cast<int64_t>(clock_gettime_nsec_np(CLOCK_MONOTONIC_RAW)) -
         static_cast<int64_t>(clock_gettime_nsec_np(CLOCK_UPTIME_RAW));
}

std::optional<int64_t> peak_resident_bytes() {
  rusage usage{};
  if (getrusage(RUSAGE_SELF, &usage) != 0) return std::nullopt;
  return int64_t{usage.ru_maxrss};  // bytes here, kilobytes on Linux
}

}  // namespace ifm
