#include "inferometer/stats/sorted_parts.h"

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "inferometer/base/rng.h"
#include "inferometer/stats/describe.h"
#include "inferometer/stats/moments.h"

namespace ifm::stats {
namespace {

TEST(SortedParts, AreTheirValuesSortedTogether) {
  Rng rng(1);
  std::vector<std::vector<double>> parts(5);
  std::vector<double> all;
  for (int i = 0; i < 500; ++i) {
    const double x = std::round(100 * (rng.uniform() - 0.5)) / 8;  // negative ones, zeros and ties
    parts[rng.below(4)].push_back(x);
    all.push_back(x);
  }
  std::vector<std::span<const double>> spans;
  for (std::vector<double>& part : parts) {
    std::sort(part.begin(), part.end());
    spans.emplace_back(part);
  }
  const SortedParts together(spans);
  std::sort(all.begin(), all.end());
  ASSERT_EQ(together.size(), all.size());
  for (size_t rank = 0; rank < all.size(); ++rank) EXPECT_EQ(together.at(rank), all[rank]) << rank;
  for (const double p : {0.0, 0.31, 0.5, 0.9, 1.0}) EXPECT_EQ(together.quantile(p), quantile(all, p)) << p;
  EXPECT_EQ(SortedParts({}).quantile(0.5), std::nullopt);
}

TEST(Moments, OfPartsMergeToThoseOfTheWhole) {
  Rng rng(2);
  std::vector<double> all;
  Moments merged;
  for (int part = 0; part < 6; ++part) {
    std::vector<double> values;
    for (int i = 0; i < 40 * part; ++i) values.push_back(1e6 + part + rng.uniform());
    merged.merge(moments_of(values));
    all.insert(all.end(), values.begin(), values.end());
  }
  EXPECT_EQ(merged.n, static_cast<int64_t>(all.size()));
  EXPECT_NEAR(merged.mean, *mean(all), 1e-9);
  // Two doubles near 1e6 differ by 1e-10 at least, and 600 squares are added.
  EXPECT_NEAR(merged.squares, sum_of_squares(all), 1e-6);
  EXPECT_NEAR(*merged.sd(), *sd(all), 1e-9);
}

}  // namespace
}  // namespace ifm::stats
