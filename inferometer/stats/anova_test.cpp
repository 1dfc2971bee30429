#include "inferometer/stats/anova.h"

#include <map>

#include "inferometer/stats/goldens.h"

namespace ifm::stats {
namespace {

using goldens::expect_close;

std::vector<Effect> effects_of(const nlohmann::json& c) {
  std::vector<Factor> factors;
  for (const char* name : {"prompt", "max_tokens", "temperature", "block"})
    factors.push_back({name, c["factors"][name].get<std::vector<int>>()});
  return variance_shares(goldens::numbers(c["y"]), factors, c["cells"].get<std::vector<int>>()).value();
}

class VarianceShares : public testing::TestWithParam<const char*> {};

TEST_P(VarianceShares, MatchAllOrdersByStatsmodelsAndSumToOne) {
  const auto& c = goldens::all()[GetParam()];
  double total = 0;
  const std::vector<Effect> effects = effects_of(c);
  ASSERT_EQ(effects.size(), c["effects"].size());
  for (const Effect& effect : effects) {
    const auto& expected = c["effects"][effect.name];
    expect_close(effect.share, expected["share"], 1e-9, 0.01);
    EXPECT_EQ(effect.degrees_of_freedom, expected["df"].get<int>()) << effect.name;
    ASSERT_EQ(effect.p_value.has_value(), !expected["p"].is_null()) << effect.name;
    if (effect.p_value) expect_close(*effect.p_value, expected["p"], 1e-7);
    total += effect.share;
  }
  EXPECT_NEAR(total, 1, 1e-12);
}
INSTANTIATE_TEST_SUITE_P(Designs, VarianceShares, testing::Values("anova_balanced", "anova_unbalanced"));

TEST(VarianceSharesBalanced, AreStatsmodelsTypeTwo) {
  const auto& c = goldens::all()["anova_balanced"];
  for (const Effect& effect : effects_of(c))
    if (c["type2_share"].contains(effect.name)) expect_close(effect.share, c["type2_share"][effect.name], 1e-9, 0.01);
}

TEST(VarianceSharesNull, WithoutSpreadOrFactorsWithLevels) {
  const std::vector<int> cells{0, 0, 1, 1};
  const std::vector<Factor> one_level{{"prompt", {0, 0, 0, 0}}};
  EXPECT_FALSE(variance_shares(std::vector<double>{2, 2, 2, 2}, one_level, cells));
  const auto effects = variance_shares(std::vector<double>{1, 2, 3, 4}, one_level, std::vector<int>{0, 0, 0, 0}).value();
  ASSERT_EQ(effects.size(), 1u);
  EXPECT_EQ(effects[0].name, "residual");
  EXPECT_DOUBLE_EQ(effects[0].share, 1);
}

TEST(VarianceSharesNull, ConfoundedFactorsShareAndHaveNoTest) {
  const std::vector<Factor> factors{{"engine", {0, 0, 1, 1}}, {"model", {0, 0, 1, 1}}};
  const auto effects = variance_shares(std::vector<double>{1, 1.5, 3, 3.5}, factors, std::vector<int>{0, 0, 1, 1}).value();
  EXPECT_NEAR(effects[0].share, effects[1].share, 1e-15);
  EXPECT_EQ(effects[0].degrees_of_freedom, 0);
  EXPECT_FALSE(effects[0].p_value);
  EXPECT_NEAR(effects[0].share + effects[1].share + effects[2].share, 1, 1e-15);
}

}  // namespace
}  // namespace ifm::stats
