#include "inferometer/model/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "inferometer/base/error.h"

namespace ifm {
namespace {

const Kernels& kernels() { return kernels_for(""); }

std::vector<TokenId> draw_many(const SamplerConfig& config, const std::vector<float>& logits, int count) {
  Sampler sampler(config, kernels(), static_cast<int64_t>(logits.size()));
  std::vector<TokenId> ids;
  for (int i = 0; i < count; ++i) ids.push_back(sampler.draw(logits));
  return ids;
}

double chi_square(const std::vector<TokenId>& ids, const std::vector<double>& p) {
  std::vector<double> seen(p.size());
  for (const TokenId id : ids) ++seen[static_cast<std::size_t>(id)];
  double chi2 = 0;
  for (std::size_t i = 0; i < p.size(); ++i) {
    const double expected = p[i] * static_cast<double>(ids.size());
    if (expected == 0) {
      EXPECT_EQ(seen[i], 0) << "an impossible id was drawn";
    } else {
      chi2 += (seen[i] - expected) * (seen[i] - expected) / expected;
    }
  }
  return chi2;
}

std::vector<double> softmax(const std::vector<float>& logits, double temperature) {
  std::vector<double> p;
  double sum = 0;
  for (const float z : logits) sum += p.emplace_back(std::exp(static_cast<double>(z) / temperature));
  for (double& value : p) value /= sum;
  return p;
}

const std::vector<float> kLogits{1.0F, 0.2F, -0.5F, 0.9F, 0.0F, -1.0F, 0.6F, 0.4F};
// Chi-square, 7 degrees of freedom, p = 0.001 (NIST table 1.3.6.7.4).
constexpr double kLimit7 = 24.322;

// METHOD 2: a temperature that is dropped, clamped or inverted must fail.
TEST(Sampler, TwentyThousandDrawsFollowSoftmaxOfEachTemperature) {
  for (const double temperature : {0.3, 0.7, 1.0, 1.5}) {
    const std::vector<TokenId> ids = draw_many({.temperature = temperature, .seed = 5}, kLogits, 20'000);
    EXPECT_LT(chi_square(ids, softmax(kLogits, temperature)), kLimit7) << temperature;
    for (const double other : {0.3, 0.7, 1.0, 1.5}) {
      if (other == temperature) continue;
      EXPECT_GT(chi_square(ids, softmax(kLogits, other)), kLimit7) << temperature << " as " << other;
    }
  }
}

TEST(Sampler, TemperatureZeroTakesTheFirstOfTheLargest) {
  EXPECT_EQ(draw_many({.temperature = 0}, {0, 3, 1, 3}, 3), (std::vector<TokenId>{1, 1, 1}));
}

TEST(Sampler, TheSameSeedGivesTheSameIds) {
  const SamplerConfig config{.temperature = 1, .seed = 9};
  EXPECT_EQ(draw_many(config, kLogits, 100), draw_many(config, kLogits, 100));
  EXPECT_NE(draw_many(config, kLogits, 100), draw_many({.temperature = 1, .seed = 10}, kLogits, 100));
}

TEST(Sampler, TopKKeepsTheLargest) {
  std::vector<double> p = softmax(kLogits, 0.7);
  const double kept = p[0] + p[3] + p[6];
  for (std::size_t i = 0; i < p.size(); ++i) p[i] = i == 0 || i == 3 || i == 6 ? p[i] / kept : 0;
  const std::vector<TokenId> ids = draw_many({.temperature = 0.7, .top_k = 3, .seed = 6}, kLogits, 20'000);
  EXPECT_LT(chi_square(ids, p), 13.816);  // 2 degrees of freedom, p = 0.001
}

// Probabilities 0.5, 0.25, 0.125, 0.125 at temperature 1: top-p 0.7 needs the first two; temperature acts after the cut.
TEST(Sampler, TopPCutsAtTemperatureOne) {
  const std::vector<float> logits{std::log(4.0F), std::log(2.0F), 0, 0};
  const std::vector<TokenId> ids = draw_many({.temperature = 0.5, .top_p = 0.7, .seed = 7}, logits, 20'000);
  EXPECT_LT(chi_square(ids, {0.8, 0.2, 0, 0}), 10.828);  // 1 degree of freedom, p = 0.001
}

TEST(Sampler, MinPIsRelativeToTheLargest) {
  const std::vector<float> logits{std::log(4.0F), std::log(2.0F), 0, 0};
  const std::vector<TokenId> ids = draw_many({.temperature = 1, .min_p = 0.4, .seed = 8}, logits, 20'000);
  EXPECT_LT(chi_square(ids, {2.0 / 3, 1.0 / 3, 0, 0}), 10.828);
}

// A large vocabulary, where filters do not sort: every id that can be drawn is one of the set that sorting gives.
TEST(Sampler, FiltersOfAFullVocabularyKeepWhatSortingKeeps) {
  Rng rng(3);
  std::vector<float> logits(4000);
  for (float& z : logits) z = static_cast<float>(std::round(400 * rng.uniform()) / 50);  // 0 to 8 with many equals
  std::vector<std::size_t> order(logits.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) { return logits[a] > logits[b]; });
  const std::vector<double> p = softmax(logits, 1);
  for (const double top_p : {0.02, 0.5}) {
    double mass = 0;
    std::size_t keep = 0;
    while (mass < top_p) mass += p[order[keep++]];
    std::vector<int> counts(logits.size());
    for (const TokenId id : draw_many({.temperature = 5, .top_p = top_p, .seed = 4}, logits, 20 * static_cast<int>(keep)))
      ++counts[static_cast<std::size_t>(id)];
    // At this temperature the kept ids are nearly equally likely: at 20 draws each, the chance that one is missed is 1e-5 or
    // less.
    for (std::size_t i = 0; i < order.size(); ++i) EXPECT_EQ(counts[order[i]] > 0, i < keep) << "place " << i << " of " << keep;
  }
}

TEST(Sampler, FiltersThatKeepEverythingChangeNoId) {
  const std::vector<TokenId> ids = draw_many({.temperature = 0.8, .seed = 11}, kLogits, 200);
  EXPECT_EQ(draw_many({.temperature = 0.8, .top_k = 7, .min_p = 1e-9, .seed = 12}, {9, 9, 9, 9, 9, 9, 9}, 50),
            draw_many({.temperature = 0.8, .seed = 12}, {9, 9, 9, 9, 9, 9, 9}, 50));
  EXPECT_EQ(draw_many({.temperature = 0.8, .top_k = 8, .seed = 11}, kLogits, 200), ids);
  EXPECT_EQ(draw_many({.temperature = 0.8, .min_p = 0.001, .seed = 11}, kLogits, 200), ids);
  EXPECT_EQ(draw_many({.temperature = 0.8, .top_p = 1 - 1e-12, .seed = 11}, kLogits, 200), ids);
}

TEST(Sampler, TopKOfEqualsKeepsTheFirst) {
  const std::vector<TokenId> ids = draw_many({.temperature = 1, .top_k = 2, .seed = 13}, {1, 2, 2, 2}, 200);
  EXPECT_EQ(std::set<TokenId>(ids.begin(), ids.end()), (std::set<TokenId>{1, 2}));
}

TEST(Sampler, ATemperatureNearZeroIsGreedy) {
  EXPECT_EQ(draw_many({.temperature = 1e-300, .seed = 1}, {0, 3, 1, 2.9999F}, 3), (std::vector<TokenId>{1, 1, 1}));
}

TEST(Sampler, PenaltiesActOnAcceptedIds) {
  Sampler repetition({.repetition_penalty = 2}, kernels(), 3);
  repetition.accept(0);
  EXPECT_EQ(repetition.draw(std::vector<float>{3, 2, 1}), 1);
  EXPECT_EQ(repetition.draw(std::vector<float>{-1, -1.5F, -3}), 1);  // a negative logit moves down too
  Sampler frequency({.frequency_penalty = 0.6}, kernels(), 3);
  frequency.accept(0);
  EXPECT_EQ(frequency.draw(std::vector<float>{3, 2, 1}), 0);
  frequency.accept(0);
  EXPECT_EQ(frequency.draw(std::vector<float>{3, 2, 1}), 1);
  Sampler presence({.presence_penalty = 1.5}, kernels(), 3);
  presence.accept(0);
  presence.accept(0);
  EXPECT_EQ(presence.draw(std::vector<float>{3, 2, 1}), 1);
  EXPECT_EQ(presence.draw(std::vector<float>{4, 2, 1}), 0);
}

TEST(Sampler, RefusesLogitsThatAreNotFinite) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                          -std::numeric_limits<float>::infinity()}) {
    for (const double temperature : {0.0, 1.0}) {
      try {
        (void)draw_many({.temperature = temperature}, {1, bad, 2}, 1);
        FAIL() << "accepted";
      } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::engine);
      }
    }
  }
}

TEST(Sampler, RefusesParametersOutOfRange) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const SamplerConfig& config : {SamplerConfig{.temperature = -1}, SamplerConfig{.temperature = nan},
                                      SamplerConfig{.top_k = -1}, SamplerConfig{.top_p = 0}, SamplerConfig{.top_p = 1.1},
                                      SamplerConfig{.min_p = 2}, SamplerConfig{.repetition_penalty = 0}}) {
    EXPECT_THROW(Sampler(config, kernels(), 3), Error);
  }
}

}  // namespace
}  // namespace ifm
