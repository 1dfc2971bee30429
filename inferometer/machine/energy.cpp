#include "inferometer/machine/energy.h"

#include <chrono>
#include <thread>

namespace ifm {

std::optional<double> joules_between(const std::optional<std::vector<PackageEnergy>>& before,
                                     const std::optional<std::vector<PackageEnergy>>& after) {
  if (!before || !after || before->empty() || before->size() != after->size()) return std::nullopt;
  double sum_uj = 0;
  for (std::size_t i = 0; i < before->size(); ++i) {
    const PackageEnergy& from = (*before)[i];
    const PackageEnergy& to = (*after)[i];
    if (from.zone != to.zone) return std::nullopt;
    int64_t used_uj = to.used_uj - from.used_uj;
    if (used_uj < 0) used_uj += from.range_uj;
    if (used_uj < 0) return std::nullopt;
    sum_uj += static_cast<double>(used_uj);
  }
  return sum_uj / 1e6;
}

std::optional<double> sleeping_power_w(int64_t duration_ns, const std::filesystem::path& root) {
  using Steady = std::chrono::steady_clock;
  const auto before = package_energy(root);
  if (!before) return std::nullopt;
  const auto begin = Steady::now();
  std::this_thread::sleep_for(std::chrono::nanoseconds(duration_ns));
  const auto after = package_energy(root);
  const auto end = Steady::now();
  const std::optional<double> joules = joules_between(before, after);
  if (!joules) return std::nullopt;
  return *joules / std::chrono::duration<double>(end - begin).count();
}

}  // namespace ifm
