#include "inferometer/stats/histogram.h"

#include <cmath>
#include <string>

#include "inferometer/base/error.h"
#include "inferometer/base/rng.h"
#include "inferometer/stats/describe.h"
#include "inferometer/stats/distribution.h"
#include "inferometer/stats/goldens.h"

namespace ifm::stats {
namespace {

using goldens::expect_close;

constexpr double kRelative = 1.0 / 1024;  // half a bucket: 1/512 of an octave's lowest value, over two

Histogram of(const std::vector<double>& values) {
  Histogram histogram;
  for (const double x : values) histogram.add(static_cast<uint64_t>(x));
  return histogram;
}

/// Whole numbers whose logs are normal: as gaps of 1 ms to 100 s would be.
std::vector<double> gaps(int n, double centre, double spread, uint64_t seed) {
  Rng rng(seed);
  std::vector<double> values;
  for (int i = 0; i < n; ++i)
    values.push_back(std::floor(centre * std::exp(spread * normal_quantile(std::max(1e-15, rng.uniform())))));
  return values;
}

TEST(Histogram, MatchesNumpyQuantilesWithinOnePerMille) {
  const auto& c = goldens::all()["histogram"];
  const Histogram histogram = of(goldens::numbers(c["values"]));
  EXPECT_EQ(histogram.count(), c["values"].size());
  EXPECT_EQ(histogram.minimum().value(), c["min"].get<uint64_t>());
  EXPECT_EQ(histogram.maximum().value(), c["max"].get<uint64_t>());
  expect_close(histogram.mean().value(), c["mean"], 1e-14);
  for (const auto& q : c["quantiles"]) expect_close(histogram.quantile(q[0]).value(), q[1], kRelative);
}

TEST(Histogram, EveryOrderStatisticIsWithinHalfABucket) {
  for (const double centre : {40.0, 900.0, 1024.0, 3e6, 4e9, 1e14}) {
    const std::vector<double> values = gaps(4000, centre, 1.5, static_cast<uint64_t>(centre));
    const std::vector<double> order = sorted(values);
    const Histogram histogram = of(values);
    double worst = 0;
    for (size_t i = 0; i < order.size(); ++i)
      worst = std::max(worst, std::abs(histogram.order_statistic(i) - order[i]) / std::max(1.0, order[i]));
    EXPECT_LE(worst, kRelative) << centre;
    if (centre > 1e6) {
      EXPECT_GT(worst, kRelative / 4) << "the bound must be near what it bounds";
    }
    for (const double p : {0.0, 0.01, 0.5, 0.9, 0.999, 1.0})
      expect_close(histogram.quantile(p).value(), quantile(values, p).value(), kRelative, 1);
  }
}

TEST(Histogram, SmallValuesAndTheEndsAreExact) {
  Histogram histogram;
  for (uint64_t x = 0; x < 1024; ++x) histogram.add(x);
  for (uint64_t x = 0; x < 1024; ++x) EXPECT_EQ(histogram.order_statistic(x), static_cast<double>(x));
  histogram.add(1'000'003);
  EXPECT_EQ(histogram.quantile(1).value(), 1'000'003);
  EXPECT_EQ(histogram.quantile(0).value(), 0);
}

TEST(Histogram, TakesEveryBitLength) {
  for (int bits = 0; bits < 64; ++bits) {
    for (const uint64_t x : {uint64_t{1} << bits, (uint64_t{1} << bits) - 1, ~uint64_t{0} >> bits}) {
      Histogram histogram;
      histogram.add(x);
      EXPECT_EQ(histogram.minimum().value(), x);
      EXPECT_EQ(histogram.order_statistic(0), static_cast<double>(x));
      EXPECT_TRUE(Histogram::from_words(histogram.words()) == histogram) << x;
    }
  }
}

TEST(Histogram, MergedIsAsIfAddedToOne) {
  const std::vector<double> a = gaps(1000, 2e7, 0.3, 1);
  const std::vector<double> b = gaps(500, 9e7, 0.9, 2);
  Histogram merged = of(a);
  merged.merge(of(b));
  std::vector<double> both = a;
  both.insert(both.end(), b.begin(), b.end());
  EXPECT_TRUE(merged == of(both));
  const Histogram before = merged;
  merged.merge(Histogram());
  EXPECT_TRUE(merged == before) << "an empty one changes nothing, the minimum included";
}

TEST(Histogram, EmptyHasNothingToSay) {
  const Histogram none;
  EXPECT_FALSE(none.minimum() || none.maximum() || none.mean() || none.quantile(0.5));
  EXPECT_TRUE(Histogram::from_words(none.words()) == none);
}

TEST(Histogram, WordsComeBackAndEveryWrongOneIsRefused) {
  const Histogram histogram = of(gaps(300, 2e7, 0.3, 3));
  const std::vector<uint64_t> words = histogram.words();
  EXPECT_TRUE(Histogram::from_words(words) == histogram);
  for (size_t cut = 0; cut < words.size(); ++cut)
    EXPECT_THROW((void)Histogram::from_words(std::span(words).first(cut)), Error) << cut;
  for (size_t i = 0; i < words.size(); ++i) {
    if (i == 2) continue;  // the sum may be any that the range allows: below
    std::vector<uint64_t> wrong = words;
    wrong[i] += i >= 5 && i % 2 == 1 ? 1 : 3'000'000;  // empty buckets before one; its count, or the head
    EXPECT_THROW((void)Histogram::from_words(wrong), Error) << i;
  }
  for (const uint64_t sum : {uint64_t{0}, histogram.maximum().value() * 301}) {
    std::vector<uint64_t> wrong = words;
    wrong[2] = sum;
    EXPECT_THROW((void)Histogram::from_words(wrong), Error) << sum;
  }
  std::vector<uint64_t> more = words;
  more.insert(more.end(), {0, 1});
  EXPECT_THROW((void)Histogram::from_words(more), Error);
}

}  // namespace
}  // namespace ifm::stats
