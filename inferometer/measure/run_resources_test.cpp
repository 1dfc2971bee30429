#include "inferometer/measure/run_resources.h"

#include <gtest/gtest.h>

namespace ifm {
namespace {

RunCounters counters(int64_t n) {
  return {.own_cpu_ns = 1 * n,
          .children_cpu_ns = 10 * n,
          .minor_faults = 100 * n,
          .major_faults = 1000 * n,
          .voluntary_switches = 10'000 * n,
          .involuntary_switches = 100'000 * n,
          .peak_resident_bytes = 1'000'000 * n,
          .energy = {{{"intel-rapl:0", 10'000'000 * n, 1'000'000'000}}}};
}

TEST(RunResources, AreDifferencesButForThePeakAndTheState) {
  const RunResources used = resources_between(counters(2), counters(5), {.frequency_mhz = 3000, .temperature_c = 61.5});
  EXPECT_EQ(used.cpu_ns, 33);
  EXPECT_EQ(used.minor_faults, 300);
  EXPECT_EQ(used.major_faults, 3000);
  EXPECT_EQ(used.voluntary_switches, 30'000);
  EXPECT_EQ(used.involuntary_switches, 300'000);
  EXPECT_EQ(used.peak_resident_bytes, 5'000'000);
  EXPECT_DOUBLE_EQ(used.energy_j.value(), 30);
  EXPECT_EQ(used.frequency_mhz, 3000);
  EXPECT_EQ(used.temperature_c, 61.5);
}

TEST(RunResources, WhatOneReadingLacksIsNullAndNeverZero) {
  RunCounters after = counters(5);
  after.children_cpu_ns.reset();
  after.energy.reset();
  after.major_faults.reset();
  const RunResources used = resources_between(counters(2), after, {});
  EXPECT_EQ(used.cpu_ns, std::nullopt) << "half of the CPU time would be a wrong figure";
  EXPECT_EQ(used.energy_j, std::nullopt);
  EXPECT_EQ(used.major_faults, std::nullopt);
  EXPECT_EQ(used.minor_faults, 300);
  EXPECT_EQ(used.frequency_mhz, std::nullopt);
  EXPECT_EQ(used.temperature_c, std::nullopt);
}

TEST(RunResources, ACounterThatWentBackIsNull) {
  RunCounters after = counters(5);
  after.children_cpu_ns = 0;  // a grandchild ended, and its parent, which waited for it, still runs
  EXPECT_EQ(resources_between(counters(2), after, {}).cpu_ns, std::nullopt);
}

}  // namespace
}  // namespace ifm
