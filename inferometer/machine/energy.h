#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace ifm {

/// What one processor package has used up to a moment, by its own counter.
struct PackageEnergy {
  std::string zone;      ///< "intel-rapl:0"
  int64_t used_uj = 0;   ///< µJ since an arbitrary moment
  int64_t range_uj = 0;  ///< the counter starts again at 0 after this; 0 = unknown
};

/// The energy counters of all packages (RAPL: Intel's, and AMD's under the same names). What lies inside a package (its cores,
/// its memory) is part of it, and the whole platform ("psys") and a second view of a package ("intel-rapl-mmio") hold it again:
/// none of these is listed. Null when there is no package or one of them cannot be read. `root` is where the OS keeps /sys. Never
/// throws. Source: Linux Documentation/power/powercap/powercap.rst.
[[nodiscard]] std::optional<std::vector<PackageEnergy>> package_energy(const std::filesystem::path& root = "/");

/// Why package_energy() is null: "no powercap here", "/sys/…/energy_uj: Permission denied"; empty when it is not.
[[nodiscard]] std::string why_no_energy(const std::filesystem::path& root = "/");

/// Energy that all packages used between two readings, J. A counter that went back has started again, once: one that goes round
/// twice meanwhile (after about half an hour at full power) gives too little. Null when a reading is missing, or they are not of
/// the same packages.
[[nodiscard]] std::optional<double> joules_between(const std::optional<std::vector<PackageEnergy>>& before,
                                                   const std::optional<std::vector<PackageEnergy>>& after);

/// Mean power of all packages over `duration_ns` in which this thread sleeps, W; null, at once, where energy cannot be read.
[[nodiscard]] std::optional<double> sleeping_power_w(int64_t duration_ns, const std::filesystem::path& root = "/");

}  // namespace ifm
