#include "inferometer/machine/unavailable.h"

#include <gmock/gmock.h>

#include "inferometer/machine/fake_root.h"

namespace ifm {
namespace {

#ifdef __linux__
using Unavailable = FakeRoot;

TEST_F(Unavailable, WhatIsNotToldIsNamedWithTheReason) {
  EXPECT_THAT(
      unavailable_facts(root()),
      testing::ElementsAre("energy: no powercap here", "temperature: no sensor of the processor here",
                           "frequency: neither cpufreq nor /proc/cpuinfo tells it", "governor: no cpufreq here",
                           "boost: no switch for it here", "microcode: /proc/cpuinfo does not tell it",
                           "power source: no power supply is listed here", "stolen CPU time: /proc/stat does not tell it"));
}

TEST_F(Unavailable, AVirtualMachineIsSaidToBeOneWhereItHidesWhatItRunsOn) {
  put("proc/cpuinfo", "microcode\t: 0x1\ncpu MHz\t\t: 1000.0\nflags\t\t: fpu hypervisor\n");
  put("proc/stat", "cpu  100 0 50 800 10 0 5 35 0 0\n");
  put("sys/class/powercap/intel-rapl:0/name", "package-0\n");
  put("sys/class/powercap/intel-rapl:0/energy_uj", "1\n");
  put("sys/class/hwmon/hwmon0/name", "k10temp\n");
  put("sys/class/hwmon/hwmon0/temp1_input", "50000\n");
  put("sys/class/power_supply/AC/type", "Mains\n");
  put("sys/class/power_supply/AC/online", "1\n");
  EXPECT_THAT(unavailable_facts(root()), testing::ElementsAre("governor: no cpufreq here (virtual machine)",
                                                              "boost: no switch for it here (virtual machine)"));
}
#endif

}  // namespace
}  // namespace ifm
