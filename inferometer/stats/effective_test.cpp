#include "inferometer/stats/effective.h"

#include <cmath>
#include <vector>

#include "inferometer/base/rng.h"
#include "inferometer/stats/describe.h"
#include "inferometer/stats/distribution.h"
#include "inferometer/stats/goldens.h"

namespace ifm::stats {
namespace {

using goldens::expect_close;

std::vector<double> autoregressive(size_t n, double rho, Rng& rng) {
  std::vector<double> values(n);
  double last = 0;
  for (size_t i = 0; i < n; ++i) {
    const double z = normal_quantile(std::max(1e-15, rng.uniform()));
    last = i == 0 ? z : rho * last + std::sqrt(1 - rho * rho) * z;
    values[i] = last;
  }
  return values;
}

TEST(EffectiveSize, MatchesStatsmodelsAcfWithTheCorrection) {
  for (const auto& c : goldens::all()["effective"]) {
    const EffectiveSize found = effective_size(goldens::numbers(c["values"])).value();
    expect_close(found.correlation, c["correlation"], 1e-10, 0.1);
    expect_close(found.size, c["size"], 1e-10);
  }
}

TEST(EffectiveSize, OfARho05ProcessIsAThird) {
  Rng rng(5);
  std::vector<double> correlations;
  for (int i = 0; i < 2000; ++i) correlations.push_back(effective_size(autoregressive(50, 0.5, rng))->correlation);
  // Unbiased to order 1/n: what is left is of order 1/n², and the simulation's error is 0.003.
  EXPECT_NEAR(mean(correlations).value(), 0.5, 0.012);
  EXPECT_NEAR(effective_size(autoregressive(100'000, 0.5, rng))->size, 100'000 / 3.0, 1500);
  EXPECT_NEAR(effective_size(autoregressive(100'000, 0, rng))->size, 100'000, 2600);
}

TEST(EffectiveSize, StaysBetweenOneAndN) {
  std::vector<double> rising, swinging;
  for (int i = 0; i < 20; ++i) {
    rising.push_back(i);
    swinging.push_back(i % 2);
  }
  EXPECT_GE(effective_size(rising)->size, 1);
  EXPECT_LT(effective_size(rising)->size, 1.5);
  EXPECT_EQ(effective_size(swinging)->size, 20);
  EXPECT_LT(effective_size(swinging)->correlation, 0);
  EXPECT_FALSE(effective_size(std::vector<double>{1, 2, 3, 5}));
  EXPECT_FALSE(effective_size(std::vector<double>(10, 1.0)));
}

}  // namespace
}  // namespace ifm::stats
