#include "inferometer/stats/describe.h"

#include "inferometer/stats/goldens.h"

namespace ifm::stats {
namespace {

using goldens::expect_close;

TEST(Describe, MeanAndSdMatchNumpy) {
  for (const auto& c : goldens::all()["describe"]) {
    const auto x = goldens::numbers(c["values"]);
    expect_close(mean(x).value(), c["mean"]);
    expect_close(sd(x).value(), c["sd"]);
    expect_close(geometric_mean(x).value(), c["gmean"]);
  }
}

TEST(Quantile, MatchesNumpyLinear) {
  for (const auto& c : goldens::all()["describe"]) {
    const auto x = goldens::numbers(c["values"]);
    for (const auto& q : c["quantiles"]) expect_close(quantile(x, q[0]).value(), q[1]);
    expect_close(median(x).value(), c["quantiles"][4][1]);
    EXPECT_EQ(minimum(x).value(), c["quantiles"][0][1].get<double>());
    EXPECT_EQ(maximum(x).value(), c["quantiles"][8][1].get<double>());
  }
}

TEST(Describe, TooFewValuesAreNull) {
  const std::vector<double> none;
  const std::vector<double> one{2.5};
  EXPECT_FALSE(mean(none) || median(none) || minimum(none) || maximum(none) || geometric_mean(none) || quantile(none, 0.5));
  EXPECT_EQ(mean(one), 2.5);
  EXPECT_FALSE(sd(one));
  EXPECT_FALSE(geometric_mean(std::vector<double>{1.0, 0.0}));
}

TEST(Sum, KeepsWhatNaiveSummationLoses) {
  EXPECT_EQ(sum(std::vector<double>{1.0, 1e100, 1.0, -1e100}), 2.0);  // Neumaier's own example
}

TEST(PooledSd, MatchesStatsmodelsCellMeansModel) {
  const auto& c = goldens::all()["pooled"];
  const auto cells = c["cells"].get<std::vector<std::vector<double>>>();
  const auto pooled = pooled_sd(cells).value();
  expect_close(pooled.sd, c["sd"]);
  EXPECT_EQ(pooled.degrees_of_freedom, c["df"].get<int>());
}

TEST(PooledSd, NeedsARepeat) {
  EXPECT_FALSE(pooled_sd(std::vector<std::vector<double>>{{1.0}, {2.0}, {}}));
  const auto pooled = pooled_sd(std::vector<std::vector<double>>{{1.0, 3.0}, {100.0}, {}}).value();
  EXPECT_DOUBLE_EQ(pooled.sd, std::sqrt(2.0));  // the difference between cells does not enter
  EXPECT_EQ(pooled.degrees_of_freedom, 1);
  EXPECT_EQ(pooled.n, 3);
}

TEST(Lag1, MatchesStatsmodelsAcf) {
  for (const auto& c : goldens::all()["describe"])
    if (!c["lag1"].is_null()) expect_close(lag1_autocorrelation(goldens::numbers(c["values"])).value(), c["lag1"], 1e-11, 1);
}

TEST(Lag1, IsNullWithoutSpread) {
  EXPECT_FALSE(lag1_autocorrelation(std::vector<double>{2, 2, 2, 2}));
  EXPECT_FALSE(lag1_autocorrelation(std::vector<double>{1, 2}));
}

}  // namespace
}  // namespace ifm::stats
