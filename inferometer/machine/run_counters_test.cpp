#include "inferometer/machine/run_counters.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <ctime>

#include <gtest/gtest.h>

#include "inferometer/base/subprocess.h"
#include "inferometer/machine/fake_root.h"

namespace ifm {
namespace {

int64_t own_cpu_ns() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

TEST(RunCounters, OwnCpuTimeLeavesOutWhatReadingTheCountersTakes) {
  const int64_t first_ns = own_cpu_ns();
  const RunCounters before = run_counters(RunEdge::begin);
  const int64_t begin_ns = own_cpu_ns();
  const RunCounters after = run_counters(RunEdge::end);
  const int64_t last_ns = own_cpu_ns();
  ASSERT_TRUE(before.own_cpu_ns && after.own_cpu_ns);
  const int64_t counted_ns = *after.own_cpu_ns - *before.own_cpu_ns;
  EXPECT_GE(counted_ns, 0);
  // The list of processes is read before the first stamp and after the second: CPU time of this process that is not counted.
  EXPECT_LT(counted_ns, (last_ns - first_ns) / 2);
  EXPECT_LE(*before.own_cpu_ns, begin_ns);
  EXPECT_GE(*after.own_cpu_ns, begin_ns);
}

TEST(RunCounters, PagesAreCountedWhenTheyAreTouched) {
  constexpr int64_t kPages = 256;
  const int64_t page_bytes = sysconf(_SC_PAGESIZE);
  const auto bytes = static_cast<std::size_t>(kPages * page_bytes);
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
#ifdef __linux__
  madvise(memory, bytes, MADV_NOHUGEPAGE);
#endif
  const RunCounters before = run_counters(RunEdge::begin);
  for (int64_t page = 0; page < kPages; ++page) static_cast<volatile char*>(memory)[page * page_bytes] = 1;
  const RunCounters after = run_counters(RunEdge::end);
  munmap(memory, bytes);
  EXPECT_GE(after.minor_faults.value() - before.minor_faults.value(), kPages);
  EXPECT_GE(after.major_faults.value(), before.major_faults.value());
}

TEST(RunCounters, AThreadThatSleepsWaitsOfItsOwnWill) {
  const RunCounters before = run_counters(RunEdge::begin);
  for (int i = 0; i < 10; ++i) usleep(100);
  const RunCounters after = run_counters(RunEdge::end);
  EXPECT_GE(after.voluntary_switches.value() - before.voluntary_switches.value(), 10);
  EXPECT_GE(after.involuntary_switches.value(), before.involuntary_switches.value());
}

#ifdef __linux__
TEST(RunCounters, ThePeakOfMemoryIsThatOfTheRunAndNotOfWhatCameBefore) {
  constexpr std::size_t kBytes = std::size_t{128} << 20U;
  const auto use = [] {
    void* memory = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(memory, MAP_FAILED);
    std::memset(memory, 1, kBytes);  // an emulator may not heed MAP_POPULATE
    munmap(memory, kBytes);
  };
  use();
  if (!run_counters(RunEdge::begin).peak_resident_bytes) GTEST_SKIP() << "this kernel does not forget peaks";
  const int64_t without = run_counters(RunEdge::end).peak_resident_bytes.value();
  ASSERT_TRUE(run_counters(RunEdge::begin).peak_resident_bytes);
  use();
  const int64_t with = run_counters(RunEdge::end).peak_resident_bytes.value();
  EXPECT_GT(with - without, static_cast<int64_t>(kBytes / 2));
}

TEST(RunCounters, AChildsCpuTimeStaysCountedWhenItHasEnded) {
  const RunCounters before = run_counters(RunEdge::begin);
  int64_t living_ns = 0;
  {
    ChildProcess child({"sh", "-c", "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; echo done; read wait"});
    std::string done;
    ASSERT_TRUE(child.read_some(done));
    living_ns = run_counters(RunEdge::end).children_cpu_ns.value() - before.children_cpu_ns.value();
    EXPECT_GT(living_ns, 1'000'000) << "20,000 steps of a shell";
  }
  const int64_t ended_ns = run_counters(RunEdge::end).children_cpu_ns.value() - before.children_cpu_ns.value();
  EXPECT_GE(ended_ns, living_ns - 1'000'000) << "what the OS tells of ended children is rounded";
}

using RunCountersOf = FakeRoot;

TEST_F(RunCountersOf, HoldTheEnergyOfAMachineWithRapl) {
  put("sys/class/powercap/intel-rapl:0/name", "package-0\n");
  put("sys/class/powercap/intel-rapl:0/energy_uj", "1500000\n");
  EXPECT_EQ(run_counters(RunEdge::begin, root()).peak_resident_bytes, std::nullopt) << "no clear_refs: it would be an older peak";
  EXPECT_EQ(run_counters(RunEdge::begin, root()).energy.value().at(0).used_uj, 1'500'000);
  EXPECT_EQ(run_counters(RunEdge::end, root()).energy.value().at(0).used_uj, 1'500'000);
}
#endif

}  // namespace
}  // namespace ifm
