#include "inferometer/machine/energy.h"

#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "inferometer/machine/fake_root.h"

namespace ifm {
namespace {

using Readings = std::optional<std::vector<PackageEnergy>>;

TEST(JoulesBetween, Fault95PackagesAddUpAndGoOnWhereACounterStartedAgain) {
  const Readings before{{{"intel-rapl:0", 1'000'000, 262'143'328'850}, {"intel-rapl:1", 262'143'000'000, 262'143'328'850}}};
  const Readings after{{{"intel-rapl:0", 3'500'000, 262'143'328'850}, {"intel-rapl:1", 671'150, 262'143'328'850}}};
  EXPECT_DOUBLE_EQ(joules_between(before, after).value(), 2.5 + 1.0);
  EXPECT_DOUBLE_EQ(joules_between(before, before).value(), 0);
}

TEST(JoulesBetween, IsNullWithoutTwoReadingsOfTheSamePackages) {
  const Readings one{{{"intel-rapl:0", 5, 100}}};
  EXPECT_EQ(joules_between(std::nullopt, one), std::nullopt);
  EXPECT_EQ(joules_between(one, std::nullopt), std::nullopt);
  EXPECT_EQ(joules_between(one, Readings{{{"intel-rapl:1", 9, 100}}}), std::nullopt);
  EXPECT_EQ(joules_between(one, Readings{{{"intel-rapl:0", 9, 100}, {"intel-rapl:1", 9, 100}}}), std::nullopt);
  // It went back, and where it starts again is not known.
  EXPECT_EQ(joules_between(Readings{{{"intel-rapl:0", 5, 0}}}, Readings{{{"intel-rapl:0", 4, 0}}}), std::nullopt);
}

#ifdef __linux__
using Energy = FakeRoot;

TEST_F(Energy, CountsEachPackageOnceAndNothingThatIsPartOfItOrHoldsIt) {
  const auto zone = [&](const std::string& folder, const std::string& name, const std::string& used) {
    put("sys/class/powercap/" + folder + "/name", name + "\n");
    put("sys/class/powercap/" + folder + "/energy_uj", used + "\n");
    put("sys/class/powercap/" + folder + "/max_energy_range_uj", "262143328850\n");
  };
  put("sys/class/powercap/intel-rapl/enabled", "1\n");
  zone("intel-rapl:0", "package-0", "262143328849");
  zone("intel-rapl:0:0", "core", "70");
  zone("intel-rapl:0:1", "dram", "30");
  zone("intel-rapl:1", "package-1", "200");
  zone("intel-rapl:2", "psys", "99999");
  zone("intel-rapl-mmio:0", "package-0", "262143328849");
  const Readings energy = package_energy(root());
  ASSERT_TRUE(energy);
  ASSERT_EQ(energy->size(), 2U);
  EXPECT_EQ((*energy)[0].zone, "intel-rapl:0");
  EXPECT_EQ((*energy)[0].used_uj, 262'143'328'849);
  EXPECT_EQ((*energy)[0].range_uj, 262'143'328'850);
  EXPECT_EQ((*energy)[1].zone, "intel-rapl:1");
  EXPECT_EQ((*energy)[1].used_uj, 200);
  EXPECT_EQ(why_no_energy(root()), "");
  EXPECT_EQ(sleeping_power_w(1000, root()), 0.0) << "the fake's counters stand still";
}

TEST_F(Energy, OfWhichAPackageCannotBeReadIsNullWithTheReason) {
  EXPECT_EQ(package_energy(root()), std::nullopt);
  EXPECT_EQ(why_no_energy(root()), "no powercap here");
  EXPECT_EQ(sleeping_power_w(1000, root()), std::nullopt);
  put("sys/class/powercap/intel-rapl:0/name", "psys\n");
  EXPECT_EQ(why_no_energy(root()), "powercap shows no processor package here");
  put("sys/class/powercap/intel-rapl:0/name", "package-0\n");
  put("sys/class/powercap/intel-rapl:0/energy_uj", "100\n");
  put("sys/class/powercap/intel-rapl:1/name", "package-1\n");
  EXPECT_EQ(package_energy(root()), std::nullopt) << "half of the energy would be a wrong figure";
  EXPECT_EQ(why_no_energy(root()), "/sys/class/powercap/intel-rapl:1/energy_uj: No such file or directory");
  put("sys/class/powercap/intel-rapl:1/energy_uj", "\n");
  EXPECT_EQ(why_no_energy(root()), "/sys/class/powercap/intel-rapl:1/energy_uj: holds no number");
  // What the superuser may not read either, for tests may run as that.
  std::filesystem::remove(root() / "sys/class/powercap/intel-rapl:1/energy_uj");
  std::filesystem::create_directory(root() / "sys/class/powercap/intel-rapl:1/energy_uj");
  EXPECT_EQ(why_no_energy(root()), "/sys/class/powercap/intel-rapl:1/energy_uj: Is a directory");
}
#endif

}  // namespace
}  // namespace ifm
