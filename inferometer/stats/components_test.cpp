#include "inferometer/stats/components.h"

#include "inferometer/base/rng.h"
#include "inferometer/stats/describe.h"
#include "inferometer/stats/distribution.h"
#include "inferometer/stats/goldens.h"

namespace ifm::stats {
namespace {

using goldens::expect_close;
using Groups = std::vector<std::vector<double>>;

TEST(VarianceComponents, MatchMeanSquaresOfStatsmodelsAnova) {
  for (const auto& c : goldens::all()["components"]) {
    const VarianceComponents found = variance_components(c["groups"].get<Groups>());
    expect_close(found.within.value(), c["within"], 1e-11);
    expect_close(found.between.value(), c["between"], 1e-9, 1e-3);
    expect_close(found.group_size, c["group_size"], 1e-13);
    EXPECT_EQ(found.negative, c["negative"].get<bool>());
  }
}

TEST(VarianceComponents, ByHand) {
  // Means 1 and 5, inside ±1: MSW = 2, MSB = 2·(4+4)/1 = 16, n0 = 2: between = 7.
  const VarianceComponents found = variance_components(Groups{{0, 2}, {4, 6}});
  EXPECT_DOUBLE_EQ(found.within.value(), 2);
  EXPECT_DOUBLE_EQ(found.between.value(), 7);
  EXPECT_DOUBLE_EQ(found.between_share.value(), 7.0 / 9);
}

TEST(VarianceComponents, NegativeIsZeroAndSaysSo) {
  const VarianceComponents found = variance_components(Groups{{0, 10}, {1, 9}, {2, 8}});
  EXPECT_EQ(found.between.value(), 0);
  EXPECT_TRUE(found.negative);
}

TEST(VarianceComponents, NullWhereNothingCanBeSaid) {
  EXPECT_FALSE(variance_components(Groups{{1, 2, 3}}).between);
  EXPECT_TRUE(variance_components(Groups{{1, 2, 3}}).within);
  const VarianceComponents singles = variance_components(Groups{{1}, {2}, {}});
  EXPECT_FALSE(singles.within || singles.between || singles.between_share);
  EXPECT_EQ(singles.groups, 2);
  EXPECT_FALSE(variance_components(Groups{}).within);
}

TEST(VarianceComponents, AreUnbiasedOverUnequalGroups) {
  Rng rng(2);
  const auto normal = [&] { return normal_quantile(std::max(1e-15, rng.uniform())); };
  std::vector<double> between, within;
  for (int i = 0; i < 4000; ++i) {
    Groups groups;
    for (const int size : {2, 5, 9, 3, 3, 7}) {
      groups.emplace_back();
      const double centre = 2 * normal();
      for (int k = 0; k < size; ++k) groups.back().push_back(centre + normal());
    }
    const VarianceComponents found = variance_components(groups);
    between.push_back(found.between.value());
    within.push_back(found.within.value());
  }
  EXPECT_NEAR(mean(within).value(), 1, 5 * sd(within).value() / std::sqrt(4000.0));
  EXPECT_NEAR(mean(between).value(), 4, 5 * sd(between).value() / std::sqrt(4000.0));  // hardly ever cut at 0
}

}  // namespace
}  // namespace ifm::stats
