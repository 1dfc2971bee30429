#include "inferometer/machine/run_counters.h"

#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include <ctime>

#include "inferometer/machine/process_cpu.h"
#include "inferometer/machine/system.h"

namespace ifm {
namespace {

int64_t ns_of(const timeval& time) { return int64_t{time.tv_sec} * 1'000'000'000 + int64_t{time.tv_usec} * 1000; }

std::optional<int64_t> children_cpu_ns() {
  const auto family = family_cpu_ns();
  rusage ended{};
  if (!family || getrusage(RUSAGE_CHILDREN, &ended) != 0) return std::nullopt;
  int64_t sum_ns = ns_of(ended.ru_utime) + ns_of(ended.ru_stime);
  for (const auto& [process, ns] : *family) {
    if (process != getpid()) sum_ns += ns;
  }
  return sum_ns;
}

std::optional<int64_t> own_cpu_ns() {
  timespec time{};
  if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time) != 0) return std::nullopt;
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

void read_own(RunCounters& counters) {
  rusage usage{};
  if (getrusage(RUSAGE_SELF, &usage) != 0) return;
  counters.minor_faults = usage.ru_minflt;
  counters.major_faults = usage.ru_majflt;
  counters.voluntary_switches = usage.ru_nvcsw;
  counters.involuntary_switches = usage.ru_nivcsw;
  counters.peak_resident_bytes = peak_resident_bytes();
}

}  // namespace

RunCounters run_counters(RunEdge edge, const std::filesystem::path& root) {
  RunCounters counters;
  if (edge == RunEdge::begin) {
    counters.children_cpu_ns = children_cpu_ns();
    counters.energy = package_energy(root);
    read_own(counters);
    counters.own_cpu_ns = own_cpu_ns();
  } else {
    counters.own_cpu_ns = own_cpu_ns();
    read_own(counters);
    counters.energy = package_energy(root);
    counters.children_cpu_ns = children_cpu_ns();
  }
  return counters;
}

}  // namespace ifm
