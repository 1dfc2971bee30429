#include "inferometer/machine/unavailable.h"

#include <fmt/format.h>

#include "inferometer/machine/energy.h"
#include "inferometer/machine/system.h"

namespace ifm {

std::vector<std::string> unavailable_facts(const std::filesystem::path& root) {
  const MachineFacts facts = machine_facts(root);
  const MachineState state = machine_state(root);
  const char* where = facts.host_class.starts_with("virtual machine") ? " (virtual machine)" : "";
  std::vector<std::string> list;
  const auto look = [&](bool known, const char* what, const std::string& why) {
    if (!known) list.push_back(fmt::format("{}: {}{}", what, why, where));
  };
  const std::string no_energy = why_no_energy(root);
  look(no_energy.empty(), "energy", no_energy);
  look(state.temperature_c.has_value(), "temperature", "no sensor of the processor here");
  look(state.frequency_mhz.has_value(), "frequency", "neither cpufreq nor /proc/cpuinfo tells it");
  look(!state.governor.empty(), "governor", "no cpufreq here");
  look(!state.boost.empty(), "boost", "no switch for it here");
  look(!facts.microcode.empty(), "microcode", "/proc/cpuinfo does not tell it");
  look(!state.power_source.empty(), "power source", "no power supply is listed here");
  look(cpu_times(root).has_value(), "stolen CPU time", "/proc/stat does not tell it");
  return list;
}

}  // namespace ifm
