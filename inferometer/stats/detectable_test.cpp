#include "inferometer/stats/detectable.h"

#include <algorithm>
#include <vector>

#include "inferometer/stats/describe.h"
#include "inferometer/stats/distribution.h"
#include "inferometer/stats/goldens.h"
#include "inferometer/stats/paired.h"

namespace ifm::stats {
namespace {

double t_test_p(std::span<const double> values) {
  const auto test = paired_t_test(values);
  return test ? test->p : 1;
}

/// Residuals with the quantiles of a normal distribution.
std::vector<double> normal_residuals(int n) {
  std::vector<double> values;
  for (int i = 0; i < n; ++i) values.push_back(0.01 * normal_quantile((i + 0.5) / n));
  return values;
}

TEST(DetectableShift, OfNormalNoiseIsWhatTheNoncentralTSays) {
  // paired_t_power is held against statsmodels in paired_test.cpp.
  const auto residuals = normal_residuals(2001);
  for (const int n : {6, 20, 60}) {
    const DetectableShift found = detectable_shift(residuals, n, t_test_p, 3, 0.8, 0.05, 4000).value();
    const double expected = detectable_difference(sd(residuals).value(), n).value();
    // Power rises by about 1 % of itself per 0.7 % of shift: its standard error of 0.0063 is 0.01 of the shift; bisection 0.01.
    EXPECT_NEAR(found.shift, expected, 0.04 * expected) << n;
    EXPECT_GE(found.power, 0.8);
    EXPECT_LT(found.power, 0.83);
    EXPECT_NEAR(found.false_alarms, 0.05, 0.014) << "4 standard errors";
    EXPECT_EQ(found.seed, 3u);
  }
}

TEST(DetectableShift, FallsWithMorePairsAndRisesWithThePower) {
  const auto residuals = normal_residuals(101);
  const auto shift = [&](int n, double power) { return detectable_shift(residuals, n, t_test_p, 1, power)->shift; };
  EXPECT_GT(shift(10, 0.8), shift(40, 0.8));
  EXPECT_GT(shift(20, 0.95), shift(20, 0.8));
}

TEST(DetectableShift, NullWithoutNoiseOrWithATestThatFindsNothing) {
  EXPECT_FALSE(detectable_shift(std::vector<double>(10, 1.0), 10, t_test_p, 1));
  EXPECT_FALSE(detectable_shift(std::vector<double>{1, 2, 3, 4}, 10, t_test_p, 1));
  EXPECT_FALSE(detectable_shift(
      normal_residuals(20), 10, [](std::span<const double>) { return 1.0; }, 1));
}

TEST(DetectableShift, CentresTheResiduals) {
  auto residuals = normal_residuals(51);
  const double shift = detectable_shift(residuals, 12, t_test_p, 9)->shift;
  for (double& x : residuals) x += 5;
  EXPECT_NEAR(detectable_shift(residuals, 12, t_test_p, 9)->shift, shift, 1e-9);
}

}  // namespace
}  // namespace ifm::stats
