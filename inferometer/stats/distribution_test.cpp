#include "inferometer/stats/distribution.h"

#include "inferometer/stats/goldens.h"

namespace ifm::stats {
namespace {

using goldens::expect_close;

TEST(Distribution, TMatchesScipy) {
  const auto& d = goldens::all()["distributions"];
  for (const auto& c : d["t_cdf"]) expect_close(t_cdf(c[0], c[1]), c[2]);
  for (const auto& c : d["t_quantile"]) expect_close(t_quantile(c[0], c[1]), c[2], 1e-10, 1e-3);
}

TEST(Distribution, FAndBinomialMatchScipy) {
  const auto& d = goldens::all()["distributions"];
  for (const auto& c : d["f_upper"]) expect_close(f_upper_p(c[0], c[1], c[2]), c[3], 1e-10);
  for (const auto& c : d["binomial"]) expect_close(binomial_cdf(c[0], c[1], c[2]), c[3], 1e-10);
  EXPECT_EQ(f_upper_p(0, 2, 5), 1);
  EXPECT_EQ(binomial_cdf(-1, 5, 0.5), 0);
  EXPECT_EQ(binomial_cdf(5, 5, 0.5), 1);
}

TEST(Distribution, NoncentralTMatchesScipy) {
  for (const auto& c : goldens::all()["distributions"]["nct_upper"])
    expect_close(noncentral_t_upper_p(c[0], c[1], c[2]), c[3], 1e-9);
}

TEST(Distribution, FisherExactMatchesScipy) {
  for (const auto& c : goldens::all()["distributions"]["fisher"])
    expect_close(fisher_exact_p(c[0], c[1], c[2], c[3]), c[4], 1e-9);
}

TEST(Distribution, ChiSquaredMatchesScipy) {  // scipy 1.15.3: chi2.ppf
  EXPECT_NEAR(chi_squared_quantile(0.025, 36), 21.335881560799056, 1e-11);
  EXPECT_NEAR(chi_squared_quantile(0.975, 36), 54.437293631813226, 1e-11);
  EXPECT_NEAR(chi_squared_quantile(0.025, 1), 0.0009820691171752555, 1e-14);
}

// Expected: the sum over all tables by log-gamma in Python, as scipy's fisher_exact defines it.
TEST(Distribution, FisherOfManyIsNearTheExactOne) {
  EXPECT_NEAR(fisher_exact_p(1200, 40'000, 1310, 40'000) / 0.02704441601289208, 1, 0.005);
  EXPECT_NEAR(fisher_exact_p(1200, 40'000, 1210, 40'000) / 0.8523273278932993, 1, 0.005);
  // Unequal sides are skewed, which the normal distribution is not.
  EXPECT_NEAR(fisher_exact_p(1700, 30'000, 3200, 60'000) / 0.038224958420151146, 1, 0.03);
}

TEST(Distribution, NormalQuantileIsTheTable) {
  EXPECT_NEAR(normal_quantile(0.975), 1.959963984540054, 1e-13);
  EXPECT_NEAR(normal_cdf(1.0), 0.8413447460685429, 1e-13);
}

}  // namespace
}  // namespace ifm::stats
