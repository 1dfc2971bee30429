#include "inferometer/machine/cpu.h"

#ifdef __linux__
#include <sched.h>
#endif

#include <algorithm>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <thread>

#include <gtest/gtest.h>

namespace ifm {
namespace {

TEST(CpuInfo, CountsCoresOfTheAffinityMask) {
  const CpuInfo& info = cpu_info();
  EXPECT_GE(info.physical_cores, 1);
  EXPECT_LE(info.physical_cores, info.logical_cores);
#ifdef __linux__
  cpu_set_t mask;
  ASSERT_EQ(sched_getaffinity(0, sizeof mask, &mask), 0);
  EXPECT_EQ(info.logical_cores, CPU_COUNT(&mask));
#endif
}

TEST(CpuInfo, TopologyFitsTogether) {
  const CpuInfo& info = cpu_info();
  if (info.sockets) {
    EXPECT_LE(*info.sockets, info.physical_cores);
  }
  if (info.numa_nodes) {
    EXPECT_LE(*info.numa_nodes, info.logical_cores);
  }
  if (!info.caches.empty()) {
    EXPECT_TRUE(std::regex_match(info.caches, std::regex("(L[1-4]( [+]? ?[0-9]+ × [0-9]+ [KM]iB)+(, )?)+"))) << info.caches;
  }
}

#ifdef __linux__
// Unknown, 0, would be taken for "no cache that could be mistaken for memory".
TEST(CpuInfo, CachesHoldAtLeastWhatTheKernelSaysOfOne) {
  int64_t largest_kb = 0;
  for (int index = 0; index < 8; ++index) {
    std::ifstream file("/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(index) + "/size");  // "32768K"
    int64_t kb = 0;
    if (file >> kb) largest_kb = std::max(largest_kb, kb);
  }
  EXPECT_GE(cpu_info().cache_bytes, largest_kb * 1024);
}

TEST(BindThreadToCore, KeepsThatThreadAndNoOtherOnACoreOfItsOwn) {
  cpu_set_t before;
  ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
  std::set<int> taken;
  for (int core = 0; core < cpu_info().physical_cores; ++core) {
    bool bound = false;
    cpu_set_t mask;
    CPU_ZERO(&mask);
    std::thread([&] {
      bound = bind_thread_to_core(core);
      sched_getaffinity(0, sizeof mask, &mask);
    }).join();
    if (!bound) GTEST_SKIP() << "this machine does not bind threads, or shows no cores";
    for (int unit = 0; unit < CPU_SETSIZE; ++unit) {
      if (CPU_ISSET(unit, &mask) == 0) continue;
      EXPECT_TRUE(CPU_ISSET(unit, &before) != 0) << unit;
      EXPECT_TRUE(taken.insert(unit).second) << "two cores share unit " << unit;
    }
  }
  EXPECT_EQ(static_cast<int>(taken.size()), cpu_info().logical_cores);
  cpu_set_t after;
  ASSERT_EQ(sched_getaffinity(0, sizeof after, &after), 0);
  EXPECT_TRUE(CPU_EQUAL(&before, &after)) << "the caller stays free";
}
#endif

#if defined(__linux__) && defined(__x86_64__)
TEST(CpuInfo, FeaturesAgreeWithTheKernels) {
  std::ifstream file("/proc/cpuinfo");
  std::set<std::string> flags;
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("flags")) continue;
    std::istringstream words(line.substr(line.find(':') + 1));
    for (std::string word; words >> word;) flags.insert(word);
    break;
  }
  const std::string features = " " + cpu_info().features + " ";
  for (const char* name : {"avx", "avx2", "fma", "avx_vnni", "avx512f", "avx512bw", "avx512_vnni", "avx512_bf16"}) {
    EXPECT_EQ(features.find(std::string(" ") + name + " ") != std::string::npos, flags.contains(name)) << name;
  }
}
#endif

}  // namespace
}  // namespace ifm
