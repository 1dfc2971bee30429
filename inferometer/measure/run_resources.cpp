#include "inferometer/measure/run_resources.h"

namespace ifm {
namespace {

std::optional<int64_t> grown(const std::optional<int64_t>& before, const std::optional<int64_t>& after) {
  if (!before || !after || *after < *before) return std::nullopt;
  return *after - *before;
}

}  // namespace

RunResources resources_between(const RunCounters& before, const RunCounters& after, const MachineState& at_end) {
  RunResources used;
  const auto own_ns = grown(before.own_cpu_ns, after.own_cpu_ns);
  const auto children_ns = grown(before.children_cpu_ns, after.children_cpu_ns);
  if (own_ns && children_ns) used.cpu_ns = *own_ns + *children_ns;
  used.minor_faults = grown(before.minor_faults, after.minor_faults);
  used.major_faults = grown(before.major_faults, after.major_faults);
  used.voluntary_switches = grown(before.voluntary_switches, after.voluntary_switches);
  used.involuntary_switches = grown(before.involuntary_switches, after.involuntary_switches);
  used.peak_resident_bytes = after.peak_resident_bytes;
  used.energy_j = joules_between(before.energy, after.energy);
  used.frequency_mhz = at_end.frequency_mhz;
  used.temperature_c = at_end.temperature_c;
  return used;
}

}  // namespace ifm
