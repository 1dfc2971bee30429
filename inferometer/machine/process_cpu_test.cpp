#include "inferometer/machine/process_cpu.h"

#include <atomic>
#include <csignal>
#include <ctime>
#include <string>
#include <thread>

#include <gtest/gtest.h>
#include <unistd.h>

#include "inferometer/base/subprocess.h"

namespace ifm {
namespace {

constexpr int64_t kMeasuredNs = 100'000'000;

#ifdef __linux__

TEST(FamilyBusyCores, ABusyThreadAndABusyGrandchildAreSeenASleepingOneIsNot) {
  const ChildProcess sleeping({"sleep", "60"});
  const std::optional<double> idle = family_busy_cores(kMeasuredNs);
  ASSERT_TRUE(idle);
  EXPECT_LT(*idle, 0.25) << "ticks of 10 ms in 100: one more than none is already a tenth";
  {
    std::atomic<bool> stop{false};
    std::thread busy([&] {
      while (!stop) {
      }
    });
    // A neighbour may take most of the core, not all of it for a tenth of a second.
    EXPECT_GT(family_busy_cores(kMeasuredNs).value_or(0), *idle);
    stop = true;
    busy.join();
  }
  ChildProcess shell({"sh", "-c", "sh -c 'while :; do :; done' & echo begun; wait"}, {.own_group = true});
  std::string begun;
  ASSERT_TRUE(shell.read_some(begun));
  EXPECT_GT(family_busy_cores(kMeasuredNs).value_or(0), *idle);
  EXPECT_EQ(family_cpu_ns()->size(), 4U) << "we, the sleeping child, the shell and its child";
  shell.kill(SIGKILL);
}

TEST(FamilyCpu, IsThisProcessesOwnClock) {
  const auto before = family_cpu_ns();
  ASSERT_TRUE(before);
  timespec now{};
  ASSERT_EQ(::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now), 0);
  const auto after = family_cpu_ns();
  const int64_t own_ns = static_cast<int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
  EXPECT_LE(before->at(::getpid()), own_ns);
  EXPECT_GE(after->at(::getpid()), own_ns);
}

#endif

}  // namespace
}  // namespace ifm
