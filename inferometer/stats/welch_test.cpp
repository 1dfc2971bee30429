#include "inferometer/stats/welch.h"

#include <vector>

#include <gtest/gtest.h>

namespace ifm::stats {
namespace {

TEST(WelchInterval, MatchesScipy) {
  const std::vector<double> a{1.0, 1.2, 0.9, 1.1, 1.3};
  const std::vector<double> b{1.5, 1.9, 1.4};
  // scipy 1.15.3: ttest_ind(b, a, equal_var=False).confidence_interval(level)
  const auto at95 = welch_interval(a, b);
  ASSERT_TRUE(at95);
  EXPECT_NEAR(at95->low, -0.04821999513876374, 1e-12);
  EXPECT_NEAR(at95->high, 1.0482199951387634, 1e-12);
  const auto at90 = welch_interval(a, b, 0.90);
  ASSERT_TRUE(at90);
  EXPECT_NEAR(at90->low, 0.09721694200443581, 1e-12);
  EXPECT_NEAR(at90->high, 0.9027830579955636, 1e-12);
}

TEST(WelchInterval, NeedsTwoValuesOnEachSideAndSomeSpread) {
  const std::vector<double> one{1.0}, two{1.0, 2.0}, alike{3.0, 3.0};
  EXPECT_FALSE(welch_interval(one, two));
  EXPECT_FALSE(welch_interval(two, one));
  EXPECT_FALSE(welch_interval(alike, alike));
  EXPECT_TRUE(welch_interval(two, alike));
}

}  // namespace
}  // namespace ifm::stats
