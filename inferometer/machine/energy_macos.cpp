#include "inferometer/machine/energy.h"

namespace ifm {

std::optional<std::vector<PackageEnergy>> package_energy(const std::filesystem::path& /*root*/) { return std::nullopt; }

std::string why_no_energy(const std::filesystem::path& /*root*/) { return "macOS tells it to the superuser only (powermetrics)"; }

}  // namespace ifm
