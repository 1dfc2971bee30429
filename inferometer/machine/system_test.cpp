#include "inferometer/machine/system.h"

#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "inferometer/machine/fake_root.h"
#include "inferometer/machine/page_cache.h"
#include "inferometer/machine/text_file.h"

namespace ifm {
namespace {

namespace fs = std::filesystem;

TEST(StealPercent, IsTheShareOfTicksBetweenTwoMoments) {
  EXPECT_EQ(steal_percent(CpuTimes{1000, 10}, CpuTimes{1200, 15}), 2.5);
  EXPECT_EQ(steal_percent(CpuTimes{1000, 10}, CpuTimes{1000, 10}), std::nullopt);
  EXPECT_EQ(steal_percent(std::nullopt, CpuTimes{1000, 10}), std::nullopt);
}

TEST(NumbersIn, Fault98DecimalsAreReadWhateverTheLocale) {
  EXPECT_EQ(numbers_in("cpu MHz\t: 2596.125 -1 x7"), (std::vector<double>{2596.125, -1, 7}));
  EXPECT_TRUE(numbers_in("max").empty());
}

TEST(Machine, ClocksAndMemoryOfThisProcessAreKnown) {
  EXPECT_GT(timer_resolution_ns().value_or(0), 0);
  EXPECT_GT(peak_resident_bytes().value_or(0), 1 << 20);
  EXPECT_GE(suspended_ns().value_or(-1), -1'000'000);
}

#ifdef __linux__
TEST_F(FakeRoot, Fault95NothingThereIsUnknownAndNeverZero) {
  const MachineFacts facts = machine_facts(root());
  EXPECT_EQ(facts.os, "");
  EXPECT_EQ(facts.host_class, "");
  EXPECT_FALSE(facts.memory_bytes.has_value());
  EXPECT_FALSE(facts.cpu_quota_cores.has_value());
  const MachineState state = machine_state(root());
  EXPECT_FALSE(state.temperature_c.has_value());
  EXPECT_FALSE(state.frequency_mhz.has_value());
  EXPECT_EQ(state.power_source, "");
  EXPECT_EQ(state.boost, "");
  EXPECT_EQ(facts.microcode, "");
  EXPECT_FALSE(cpu_times(root()).has_value());
}

TEST_F(FakeRoot, ReadsALaptopOnBattery) {
  put("etc/os-release", "NAME=x\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n");
  put("proc/cpuinfo", "microcode\t: 0xf8\ncpu MHz\t\t: 1000.0\nflags\t\t: fpu avx2\n");
  put("proc/meminfo", "MemTotal:       16384 kB\n");
  put("proc/loadavg", "0.25 0.10 0.05 1/100 1\n");
  put("proc/stat", "cpu  100 0 50 800 10 0 5 35 0 0\ncpu0 1 1\n");
  put("sys/class/dmi/id/chassis_type", "10\n");
  put("sys/class/power_supply/AC/type", "Mains\n");
  put("sys/class/power_supply/AC/online", "0\n");
  put("sys/class/power_supply/BAT0/type", "Battery\n");
  put("sys/class/power_supply/BAT0/status", "Discharging\n");
  put("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave\n");
  put("sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq", "2400000\n");
  put("sys/devices/system/cpu/cpu1/cpufreq/scaling_cur_freq", "2800000\n");
  put("sys/devices/system/cpu/intel_pstate/no_turbo", "1\n");
  put("sys/class/hwmon/hwmon0/name", "coretemp\n");
  put("sys/class/hwmon/hwmon0/temp1_input", "61500\n");
  put("sys/bus/pci/devices/0000:00:02.0/class", "0x030000\n");
  put("sys/bus/pci/devices/0000:00:02.0/vendor", "0x10de\n");
  const MachineFacts facts = machine_facts(root());
  EXPECT_EQ(facts.os, "Debian GNU/Linux 12 (bookworm)");
  EXPECT_EQ(facts.host_class, "laptop");
  EXPECT_EQ(facts.gpu, "NVIDIA GPU");
  EXPECT_EQ(facts.memory_bytes, 16384 * 1024);
  const MachineState state = machine_state(root());
  EXPECT_EQ(state.governor, "powersave");
  EXPECT_EQ(state.power_source, "battery");
  EXPECT_EQ(state.frequency_mhz, 2600);
  EXPECT_EQ(state.boost, "off");
  EXPECT_EQ(facts.microcode, "0xf8");
  EXPECT_EQ(state.temperature_c, 61.5);
  EXPECT_EQ(state.load_1m, 0.25);
  EXPECT_EQ(cpu_times(root())->total, 1000U);
  EXPECT_EQ(cpu_times(root())->stolen, 35U);
  EXPECT_EQ(cpu_times(root())->idle, 810U);
}

TEST_F(FakeRoot, WithoutCpufreqTheFrequencyIsTheMeanOfWhatCpuinfoSays) {
  put("proc/cpuinfo", "cpu MHz\t\t: 1000.0\n\ncpu MHz\t\t: 3000.5\n");
  put("sys/devices/system/cpu/cpufreq/boost", "1\n");
  EXPECT_EQ(machine_state(root()).frequency_mhz, 2000.25);
  EXPECT_EQ(machine_state(root()).boost, "on");
}

TEST_F(FakeRoot, Fault96CpuQuotaIsTheSmallestOnTheWayUp) {
  put("proc/self/cgroup", "0::/a/b\n");
  put("sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
  put("sys/fs/cgroup/a/cpu.max", "150000 100000\n");
  EXPECT_EQ(machine_facts(root()).cpu_quota_cores, 1.5);
}

TEST_F(FakeRoot, Fault96CpuQuotaOfTheOldHierarchy) {
  put("proc/self/cgroup", "4:cpu,cpuacct:/x\n0::/\n");
  put("sys/fs/cgroup/cpu/x/cpu.cfs_quota_us", "50000\n");
  put("sys/fs/cgroup/cpu/x/cpu.cfs_period_us", "100000\n");
  put("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
  put("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(machine_facts(root()).cpu_quota_cores, 0.5);
}

TEST_F(FakeRoot, FileThatWasJustReadIsInThePageCache) {
  put("model/a.safetensors", std::string(1 << 20, 'x'));
  put("model/config.json", "{}");
  const auto files = weight_files_of(root() / "model");
  ASSERT_EQ(files, std::vector<fs::path>{root() / "model/a.safetensors"});
  EXPECT_EQ(resident_share(files), 1.0);
  EXPECT_TRUE(drop_page_cache(files));
  EXPECT_EQ(resident_share({root() / "nothing"}), std::nullopt);
}
#endif

}  // namespace
}  // namespace ifm
