#include "inferometer/machine/unavailable.h"

#include "inferometer/machine/energy.h"

namespace ifm {

std::vector<std::string> unavailable_facts(const std::filesystem::path& root) {
  return {"energy: " + why_no_energy(root),
          "CPU time: macOS does not tell that of children",
          "temperature: macOS does not tell it",
          "frequency: macOS does not tell it",
          "governor: macOS has none",
          "boost: macOS has no switch for it",
          "microcode: macOS does not tell it",
          "power source: not read on macOS",
          "stolen CPU time: macOS does not tell it"};
}

}  // namespace ifm
