#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "inferometer/machine/energy.h"
#include "inferometer/machine/text_file.h"

namespace ifm {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFolder = "sys/class/powercap";
constexpr std::string_view kZone = "intel-rapl:";

struct Packages {
  std::vector<PackageEnergy> list;
  std::string problem;  ///< empty = all could be read
};

/// "intel-rapl:0" is a package (or the platform, by its name), "intel-rapl:0:1" a part of it.
bool is_package(const fs::path& zone) {
  const std::string name = zone.filename().string();
  return name.starts_with(kZone) && name.find(':', kZone.size()) == std::string::npos &&
         first_line_of(zone / "name").starts_with("package");
}

Packages read_packages(const fs::path& root) {
  Packages packages;
  const std::vector<fs::path> zones = children_of(root / kFolder);
  for (const fs::path& zone : zones) {
    if (!is_package(zone)) continue;
    const std::string name = zone.filename().string();
    const auto used_uj = number_of(zone / "energy_uj");
    if (!used_uj) {
      const std::string why = why_unreadable(zone / "energy_uj");
      packages.problem = fmt::format("/{}/{}/energy_uj: {}", kFolder, name, why.empty() ? "holds no number" : why);
      return packages;
    }
    packages.list.push_back({.zone = name,
                             .used_uj = static_cast<int64_t>(*used_uj),
                             .range_uj = static_cast<int64_t>(number_of(zone / "max_energy_range_uj").value_or(0))});
  }
  if (packages.list.empty()) packages.problem = zones.empty() ? "no powercap here" : "powercap shows no processor package here";
  return packages;
}

}  // namespace

std::optional<std::vector<PackageEnergy>> package_energy(const fs::path& root) {
  Packages packages = read_packages(root);
  if (!packages.problem.empty()) return std::nullopt;
  return std::move(packages.list);
}

std::string why_no_energy(const fs::path& root) { return read_packages(root).problem; }

}  // namespace ifm
