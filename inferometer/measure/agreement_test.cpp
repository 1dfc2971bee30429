#include "inferometer/measure/agreement.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

namespace ifm {
namespace {

// Expected values: log-softmax and sum by Python 3.11, math, in double precision.
TEST(CompareAt, MatchesTheDefinitionsInDoublePrecision) {
  const std::vector<float> logits{1.0F, 2.0F, 0.5F, -1.0F};
  const std::vector<float> reference{1.5F, 1.25F, 0.0F, -2.0F};
  const PositionAgreement at = compare_at(logits, reference, 2);
  EXPECT_NEAR(at.nll, 1.9951819, 1e-6);
  EXPECT_NEAR(at.reference_nll, 2.2090837, 1e-6);
  EXPECT_NEAR(at.kl, 0.1749522, 1e-6);
  EXPECT_FALSE(at.same_top);
  EXPECT_DOUBLE_EQ(at.margin_error, 1.25) << "-1 here, 0.25 there, between tokens 0 and 1";
}

TEST(CompareAt, EqualLogitsAgreeWhateverIsAddedToThem) {
  const std::vector<float> z{3.0F, -2.0F, 3.0F, 0.25F};
  std::vector<float> shifted = z;
  for (float& value : shifted) value += 64.0F;
  const PositionAgreement at = compare_at(shifted, z, 0);
  EXPECT_NEAR(at.kl, 0, 1e-12);
  EXPECT_NEAR(at.nll, at.reference_nll, 1e-12);
  EXPECT_TRUE(at.same_top) << "the first of equals in both";
  EXPECT_EQ(at.margin_error, 0);
}

TEST(CompareAt, TokensThatAreImpossibleInOneAreFinite) {
  const PositionAgreement at = compare_at(std::vector<float>{0, -1e4F}, std::vector<float>{0, -1e4F}, 1);
  EXPECT_NEAR(at.nll, 1e4, 1e-3);
  EXPECT_EQ(at.kl, 0);
}

/// Six windows, each of as many positions as its number.
std::vector<PositionAgreement> six_windows() {
  std::vector<PositionAgreement> all;
  for (int window = 1; window <= 6; ++window) {
    for (int i = 0; i < window; ++i) all.push_back({.window = window, .nll = 1.0 + window, .reference_nll = 2.0});
  }
  return all;
}

/// Two windows of three and one position.
std::vector<PositionAgreement> some_positions() {
  std::vector<PositionAgreement> all(4);
  for (int i = 0; i < 4; ++i) {
    all[static_cast<std::size_t>(i)] = {.window = i / 3,
                                        .position = i == 2 ? 64 : i % 3,
                                        .nll = 1.0 + i,
                                        .reference_nll = 2.0,
                                        .kl = 0.1 * i,
                                        .same_top = i != 2,
                                        .margin_error = 0.5 * i};
  }
  return all;
}

TEST(Summarize, MeansAreOverPositionsAndTheirIntervalsOverWindows) {
  const AgreementSummary all = summarize(some_positions());
  EXPECT_EQ(all.positions, 4);
  EXPECT_EQ(all.windows, 2);
  EXPECT_DOUBLE_EQ(all.nll.value, 2.5);
  EXPECT_FALSE(all.nll.ci95) << "two windows say nothing about their spread";
  EXPECT_DOUBLE_EQ(all.same_top, 0.75);
  EXPECT_DOUBLE_EQ(all.kl_max, 0.3);
  EXPECT_DOUBLE_EQ(all.margin_error_max, 1.5);
}

TEST(Summarize, AnIntervalIsThatOfARatioOverWindows) {
  const AgreementSummary all = summarize(six_windows());
  // Python 3.11: pulls (w + w² − m w) * 6 / 21 of windows w = 1 … 6 around the mean m = 112 / 21; mean ± t(5) sd / √6.
  EXPECT_NEAR(all.nll.value, 5.3333333, 1e-7);
  ASSERT_TRUE(all.nll.ci95);
  EXPECT_NEAR(all.nll.ci95->low, 3.6277922, 1e-6);
  EXPECT_NEAR(all.nll.ci95->high, 7.0388745, 1e-6);
  ASSERT_TRUE(all.reference_nll.ci95);
  EXPECT_NEAR(all.reference_nll.ci95->low, 2.0, 1e-12) << "the same everywhere, however long the windows";
}

TEST(Summarize, OneWindowHasNoIntervalAndFewPositionsNoPercentile) {
  const AgreementSummary all = summarize(std::vector<PositionAgreement>(10, PositionAgreement{.kl = 0.25}));
  EXPECT_FALSE(all.kl.ci95);
  EXPECT_FALSE(all.kl_p99);
  EXPECT_TRUE(summarize(std::vector<PositionAgreement>(368)).kl_p99) << "METHOD 5: p99 needs 368";
  EXPECT_FALSE(summarize(std::vector<PositionAgreement>(368)).kl_p999);
}

TEST(Summarize, PositionsAreShownByHowMuchStandsBeforeThem) {
  const AgreementSummary all = summarize(some_positions());
  ASSERT_EQ(all.buckets.size(), 2U);
  EXPECT_EQ(all.buckets[0].from, 0);
  EXPECT_EQ(all.buckets[0].to, 64);
  EXPECT_EQ(all.buckets[0].positions, 3);
  EXPECT_EQ(all.buckets[1].from, 64);
  EXPECT_EQ(all.buckets[1].to, 128);
  EXPECT_DOUBLE_EQ(all.buckets[1].kl_mean, 0.2);
  EXPECT_DOUBLE_EQ(all.buckets[1].same_top, 0.0);
}

}  // namespace
}  // namespace ifm
