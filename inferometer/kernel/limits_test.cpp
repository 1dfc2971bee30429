#include "inferometer/kernel/limits.h"

#include <algorithm>

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "inferometer/kernel/kernels.h"
#include "inferometer/kernel/peak_loops.h"
#include "inferometer/machine/cpu.h"

namespace ifm {
namespace {

/// The most memory that this process ever had in use.
int64_t peak_memory_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
#ifdef __APPLE__
  return usage.ru_maxrss;
#else
  return int64_t{usage.ru_maxrss} * 1024;
#endif
}

TEST(Limits, AreMeasuredWithWhatTheProcessorHas) {
  EXPECT_GT(measure_read_gb_per_s(1, 1 << 20, 1), 0.0);
  EXPECT_GT(measure_read_gb_per_s(2, 1 << 20, 1), 0.0);
  EXPECT_GT(measure_int8_peak(1, 1).gmac_per_s, 0.0);
  EXPECT_GT(measure_int8_peak(2, 1).gmac_per_s, 0.0);
  EXPECT_GT(measure_f32_peak(1, 1).gmac_per_s, 0.0);
  const std::optional<Peak> bf16 = measure_bf16_peak(1, 1);
  EXPECT_EQ(bf16.has_value(), !bf16_loops().empty());
  EXPECT_GT(bf16.value_or(Peak{1.0, ""}).gmac_per_s, 0.0);
}

// Fewer bytes, read more often, would be a cache's bandwidth. (ctest runs each test in a process of its own; in one with others
// the peak may be theirs.)
TEST(Limits, ReadAWorkingSetThatIsAsLargeAsWasAsked) {
  constexpr int64_t kBytes = int64_t{192} << 20;
  EXPECT_GT(measure_read_gb_per_s(2, kBytes, 1), 0.0);
  EXPECT_GE(peak_memory_bytes(), kBytes);
}

TEST(Limits, MemoryIsMeasuredOnMoreThanTheCachesHold) {
  EXPECT_GE(memory_set_bytes(0), int64_t{256} << 20) << "where the caches are unknown";
  EXPECT_EQ(memory_set_bytes(int64_t{100} << 20), int64_t{400} << 20);
  EXPECT_EQ(memory_set_bytes(int64_t{2} << 30), int64_t{1} << 30) << "no more than a small machine has";
  EXPECT_GE(memory_set_bytes(cpu_info().cache_bytes), std::min(2 * cpu_info().cache_bytes, int64_t{1} << 30));
}

TEST(Limits, OfASetNameWhatWasMeasured) {
  for (const std::string& isa : available_isas()) {
    const Peak peak = measure_int8_peak(1, 1, isa);
    bool named = false;
    for (const PeakLoop& loop : int8_loops(isa)) named = named || loop.instruction == peak.instruction;
    EXPECT_TRUE(named) << isa << ": " << peak.instruction;
  }
}

}  // namespace
}  // namespace ifm
