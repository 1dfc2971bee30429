#include "inferometer/measure/clock_probe.h"

#include <cstdint>

#include <gmock/gmock.h>

namespace ifm {
namespace {

/// A clock of which everything is known: a reading takes 20 ns, and who sleeps wakes up late, by 1, 2, 3, … µs.
class KnownClock final : public Clock {
 public:
  [[nodiscard]] int64_t now_ns() override { return now_ns_ += 20; }
  void wait_until(int64_t deadline_ns) override { now_ns_ = deadline_ns + ++sleeps_ * 1000; }

 private:
  int64_t now_ns_ = 0;
  int64_t sleeps_ = 0;
};

TEST(ClockProbe, AStampsCostIsThatOfOneReading) {
  KnownClock clock;
  EXPECT_DOUBLE_EQ(measure_stamp_ns(clock), 20);
}

TEST(ClockProbe, LatenessIsCountedFromTheMomentAskedFor) {
  KnownClock clock;
  EXPECT_THAT(late_wakeups_ns(clock, 3), testing::ElementsAre(1020, 2020, 3020));
}

TEST(ClockProbe, SpreadIsMedianNinetyNinthPercentileAndLargest) {
  const Spread spread = spread_of(std::vector<double>{3, 1, 2});
  EXPECT_EQ(spread.n, 3);
  EXPECT_DOUBLE_EQ(spread.p50, 2);
  EXPECT_DOUBLE_EQ(spread.p99, 2.98);
  EXPECT_DOUBLE_EQ(spread.max, 3);
}

TEST(ClockProbe, AThreadThatSleepsIsNeverEarly) {
  SleepProbe probe;
  SteadyClock clock;
  clock.wait_until(clock.now_ns() + 20'000'000);
  const std::vector<double> late = probe.finish();
  ASSERT_FALSE(late.empty());
  EXPECT_GE(*std::min_element(late.begin(), late.end()), 0);
}

}  // namespace
}  // namespace ifm
