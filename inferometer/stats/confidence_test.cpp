#include "inferometer/stats/confidence.h"

#include <numeric>

#include "inferometer/base/rng.h"
#include "inferometer/stats/describe.h"
#include "inferometer/stats/distribution.h"
#include "inferometer/stats/goldens.h"

namespace ifm::stats {
namespace {

using goldens::expect_close;
using goldens::expect_interval;

double mean_of(std::span<const double> values) { return *mean(values); }

TEST(MeanInterval, MatchesScipyT) {
  for (const auto& c : goldens::all()["describe"]) {
    const auto x = goldens::numbers(c["values"]);
    expect_interval(mean_interval(x).value(), c["mean_ci95"], 1e-10, 1);
    expect_interval(mean_interval(x, 0.90).value(), c["mean_ci90"], 1e-10, 1);
  }
  EXPECT_FALSE(mean_interval(std::vector<double>{1.0}));
}

TEST(PooledMeanInterval, MatchesStatsmodelsCellMeansModel) {
  const auto& c = goldens::all()["pooled"];
  expect_interval(pooled_mean_interval(c["cells"].get<std::vector<std::vector<double>>>()).value(), c["ci95"], 1e-11, 1);
  EXPECT_FALSE(pooled_mean_interval(std::vector<std::vector<double>>{{1.0}, {2.0}}));
}

TEST(SdInterval, MatchesScipysChiSquare) {  // scipy 1.15.3: 2 * sqrt(36 / chi2.ppf([0.975, 0.025], 36))
  const Interval interval = sd_interval({.sd = 2, .degrees_of_freedom = 36, .n = 54});
  EXPECT_NEAR(interval.low, 1.6264210369907042, 1e-12);
  EXPECT_NEAR(interval.high, 2.597921057538123, 1e-12);
}

TEST(SdInterval, CoversTheSdOfNormalRepeatsAsOftenAsItSays) {
  Rng rng(11);
  int inside = 0;
  for (int session = 0; session < 1000; ++session) {
    std::vector<std::vector<double>> cells(18);
    for (size_t cell = 0; cell < cells.size(); ++cell) {
      for (int i = 0; i < 3; ++i)
        cells[cell].push_back(static_cast<double>(cell) + 0.02 * normal_quantile(std::max(1e-15, rng.uniform())));
    }
    const Interval interval = sd_interval(*pooled_sd(cells));
    inside += interval.low <= 0.02 && 0.02 <= interval.high ? 1 : 0;
  }
  // 950 expected with a standard error of 6.9: METHOD asks for 93 to 97 %.
  EXPECT_GE(inside, 930);
  EXPECT_LE(inside, 970);
}

TEST(QuantileInterval, MatchesScipyQuantileTest) {
  for (const auto& c : goldens::all()["describe"]) {
    const auto x = goldens::numbers(c["values"]);
    for (const auto& [name, p] : {std::pair{"median_order_ci95", 0.5}, std::pair{"p90_ci95", 0.9}}) {
      const auto interval = quantile_interval(x, p);
      ASSERT_EQ(interval.has_value(), !c[name].is_null()) << name << " n=" << x.size();
      if (interval) expect_interval(*interval, c[name], 0);
    }
  }
}

TEST(QuantileInterval, NeedsTheRunsThatMethodSays) {
  std::vector<double> x(400);
  std::iota(x.begin(), x.end(), 1.0);
  const auto has = [&](size_t n, double p) { return quantile_interval(std::span(x).first(n), p).has_value(); };
  EXPECT_TRUE(has(6, 0.5) && !has(5, 0.5));
  EXPECT_TRUE(has(36, 0.9) && !has(35, 0.9));
  EXPECT_TRUE(has(368, 0.99) && !has(367, 0.99));
}

TEST(MedianInterval, MatchesHettmanspergerSheather) {
  for (const auto& c : goldens::all()["describe"]) {
    const auto x = goldens::numbers(c["values"]);
    const auto interval = median_interval(x);
    ASSERT_EQ(interval.has_value(), x.size() >= 6);
    if (interval) expect_interval(*interval, c["median_ci95"]);
  }
}

TEST(MedianInterval, Covers93To97PercentOf2000SimulatedSamples) {
  Rng rng(5);
  for (const size_t n : {6u, 7u, 9u, 12u, 18u, 54u}) {
    int covered = 0;
    std::vector<double> x(n);
    for (int r = 0; r < 2000; ++r) {
      for (double& v : x) v = std::exp(0.1 * normal_quantile(std::max(1e-12, rng.uniform())));
      const Interval interval = median_interval(x).value();
      covered += interval.low <= 1 && 1 <= interval.high;
    }
    EXPECT_GE(covered, 1860) << "n = " << n;
    EXPECT_LE(covered, 1940) << "n = " << n;
  }
}

TEST(Bootstrap, BcaAgreesWithScipyWithinResamplingError) {
  const auto& c = goldens::all()["bootstrap"];
  const auto interval = bootstrap_interval(goldens::numbers(c["values"]), mean_of, 11, 100'000).value();
  const double width = c["mean_bca95"][1].get<double>() - c["mean_bca95"][0].get<double>();
  EXPECT_NEAR(interval.low, c["mean_bca95"][0].get<double>(), 0.01 * width);  // 8 Monte Carlo standard errors
  EXPECT_NEAR(interval.high, c["mean_bca95"][1].get<double>(), 0.01 * width);
}

TEST(Bootstrap, SameSeedSameIntervalOtherSeedAnother) {
  const auto x = goldens::numbers(goldens::all()["bootstrap"]["values"]);
  const auto a = bootstrap_interval(x, mean_of, 1, 999).value();
  const auto b = bootstrap_interval(x, mean_of, 1, 999).value();
  const auto c = bootstrap_interval(x, mean_of, 2, 999).value();
  EXPECT_EQ(a.low, b.low);
  EXPECT_EQ(a.high, b.high);
  EXPECT_NE(a.low, c.low);
  EXPECT_FALSE(bootstrap_interval(std::vector<double>{1.0}, mean_of, 1));
}

TEST(Bootstrap, IsAPointWithoutSpread) {
  const auto interval = bootstrap_interval(std::vector<double>{3, 3, 3}, mean_of, 1, 100).value();
  EXPECT_EQ(interval.low, 3);
  EXPECT_EQ(interval.high, 3);
}

TEST(ClusterBootstrap, MatchesScipyPairedBcaOfSumsAndSizes) {
  const auto& c = goldens::all()["cluster_bootstrap"];
  const auto clusters = c["clusters"].get<std::vector<std::vector<double>>>();
  const ClusterInterval found = cluster_bootstrap_interval(clusters, mean_of, 11, 100'000).value();
  const double width = c["mean_bca95"][1].get<double>() - c["mean_bca95"][0].get<double>();
  EXPECT_NEAR(found.interval.low, c["mean_bca95"][0].get<double>(), 0.01 * width);
  EXPECT_NEAR(found.interval.high, c["mean_bca95"][1].get<double>(), 0.01 * width);
  EXPECT_EQ(found.clusters, 25);
  EXPECT_EQ(found.seed, 11u);
}

TEST(ClusterBootstrap, OfClustersOfOneIsTheBootstrapOfValuesAndOfFewClustersNothing) {
  const auto x = goldens::numbers(goldens::all()["bootstrap"]["values"]);
  std::vector<std::vector<double>> ones{{}};
  for (const double value : x) ones.push_back({value});
  const auto of_values = bootstrap_interval(x, mean_of, 5, 999).value();
  const auto of_clusters = cluster_bootstrap_interval(ones, mean_of, 5, 999).value();
  EXPECT_EQ(of_clusters.interval.low, of_values.low);
  EXPECT_EQ(of_clusters.interval.high, of_values.high);
  EXPECT_FALSE(cluster_bootstrap_interval(std::span(ones).first(kLeastClusters), mean_of, 5, 999)) << "one of them is empty";
}

TEST(ClusterBootstrap, IsWiderThanTheBootstrapOfGapsThatPretendToBeIndependent) {
  Rng rng(3);
  const auto normal = [&] { return normal_quantile(std::max(1e-12, rng.uniform())); };
  std::vector<std::vector<double>> runs(20);
  std::vector<double> pooled;
  for (auto& run : runs) {
    const double centre = normal();
    for (int i = 0; i < 30; ++i) run.push_back(centre + 0.1 * normal());
    pooled.insert(pooled.end(), run.begin(), run.end());
  }
  const Interval honest = cluster_bootstrap_interval(runs, mean_of, 1, 499)->interval;
  const Interval pretended = bootstrap_interval(pooled, mean_of, 1, 499).value();
  EXPECT_GT(honest.high - honest.low, 4 * (pretended.high - pretended.low)) << "√30 expected: 600 gaps are 20 runs";
}

}  // namespace
}  // namespace ifm::stats
