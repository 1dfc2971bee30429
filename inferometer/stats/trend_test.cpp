#include "inferometer/stats/trend.h"

#include "inferometer/stats/describe.h"
#include "inferometer/stats/goldens.h"

namespace ifm::stats {
namespace {

using goldens::expect_close;
using goldens::expect_interval;

TEST(TheilSen, MatchesScipy) {
  for (const auto& c : goldens::all()["theil_sen"]) {
    const Trend trend = theil_sen(goldens::numbers(c["x"]), goldens::numbers(c["y"])).value();
    expect_close(trend.slope, c["slope"]);
    ASSERT_TRUE(trend.interval);
    expect_interval(*trend.interval, c["ci95"]);
  }
}

TEST(TheilSen, WithinCellsIgnoresLevelsBetweenThem) {
  // Slope 0.5 inside each cell, a jump of 100 between them.
  const std::vector<Points> cells{{{0, 1, 2, 3}, {0, 0.5, 1.0, 1.5}}, {{4, 5, 6}, {100, 100.5, 101}}};
  const Trend trend = theil_sen_within(cells).value();
  EXPECT_DOUBLE_EQ(trend.slope, 0.5);
  EXPECT_EQ(trend.slopes, 6 + 3);
}

TEST(TheilSen, WithinCellsIsTheMedianOfTheirPairs) {
  const std::vector<Points> cells{{{0, 3, 7}, {1, 4, 2}}, {{1, 2, 9}, {5, 1, 6}}};
  std::vector<double> slopes{1.0, 1.0 / 7, -0.5, -4.0, 1.0 / 8, 5.0 / 7};
  EXPECT_DOUBLE_EQ(theil_sen_within(cells)->slope, median(slopes).value());
}

TEST(TheilSen, TooFewSlopesHaveNoInterval) {
  const auto trend = theil_sen(std::vector<double>{0, 1}, std::vector<double>{0, 2}).value();
  EXPECT_EQ(trend.slope, 2);
  EXPECT_FALSE(trend.interval);
  EXPECT_FALSE(theil_sen(std::vector<double>{1, 1}, std::vector<double>{0, 2}));
}

}  // namespace
}  // namespace ifm::stats
