#include "inferometer/stats/paired.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "inferometer/base/rng.h"
#include "inferometer/stats/confidence.h"
#include "inferometer/stats/describe.h"
#include "inferometer/stats/goldens.h"

namespace ifm::stats {
namespace {

using goldens::expect_close;

const nlohmann::json& cases() { return goldens::all()["paired"]["cases"]; }

TEST(PairedT, MatchesScipy) {
  for (const auto& c : cases()) {
    const TTest test = paired_t_test(goldens::numbers(c["differences"])).value();
    expect_close(test.t, c["t"], 1e-10);
    expect_close(test.p, c["p"], 1e-10);
  }
  EXPECT_FALSE(paired_t_test(std::vector<double>{1.0}));
  EXPECT_EQ(paired_t_test(std::vector<double>{0.0, 0.0})->p, 1);
  EXPECT_EQ(paired_t_test(std::vector<double>{0.5, 0.5})->p, 0);
}

TEST(SignedRank, MatchesScipyExact) {
  for (const auto& c : cases()) {
    const SignedRankTest test = signed_rank_test(goldens::numbers(c["differences"])).value();
    EXPECT_EQ(test.w_plus, c["w_plus"].get<double>());
    expect_close(test.p_two_sided, c["wilcoxon"]["two-sided"], 1e-10);
    expect_close(test.p_less, c["wilcoxon"]["less"], 1e-10);
    expect_close(test.p_greater, c["wilcoxon"]["greater"], 1e-10);
  }
}

TEST(SignedRank, MatchesHollanderAndWolfe) {
  // Depression scores of nine patients (Hollander and Wolfe 1973, p. 29; R's ?wilcox.test): V = 40, one-sided p = 0.01953.
  const std::vector<double> x{1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30};
  const std::vector<double> y{0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29};
  std::vector<double> d;
  for (size_t i = 0; i < x.size(); ++i) d.push_back(x[i] - y[i]);
  const SignedRankTest test = signed_rank_test(d).value();
  EXPECT_EQ(test.w_plus, 40);
  EXPECT_NEAR(test.p_greater, 0.01953125, 1e-15);
}

TEST(SignedRank, WithTiesMatchesAllSigns) {
  const std::vector<double> d{1, -1, 2, 2, -3, 4, 4, 0, 4};
  const std::vector<double> ranks{1.5, 1.5, 3.5, 3.5, 5, 7, 7, 7};  // midranks of |d| without the zero
  int at_least = 0;
  for (int signs = 0; signs < 256; ++signs) {
    double w = 0;
    for (int i = 0; i < 8; ++i)
      if ((signs >> i) & 1) w += ranks[static_cast<size_t>(i)];
    at_least += w >= 1.5 + 3.5 + 3.5 + 21;
  }
  const SignedRankTest test = signed_rank_test(d).value();
  EXPECT_EQ(test.n, 8);
  EXPECT_EQ(test.w_plus, 29.5);
  EXPECT_NEAR(test.p_greater, at_least / 256.0, 1e-15);
  EXPECT_FALSE(signed_rank_test(std::vector<double>{2, 2}, 2.0));
}

TEST(HodgesLehmann, EstimateIsTheMedianOfWalshAverages) {
  for (const auto& c : cases())
    expect_close(hodges_lehmann(goldens::numbers(c["differences"]))->estimate, c["walsh_median"], 1e-11, 1e-3);
}

TEST(HodgesLehmann, IntervalHoldsTheShiftsThatTheTestDoesNotReject) {
  for (const auto& c : cases()) {
    const auto d = goldens::numbers(c["differences"]);
    const Location location = hodges_lehmann(d).value();
    ASSERT_EQ(location.interval.has_value(), d.size() >= 6);
    if (!location.interval) continue;
    const double inside = 1e-9;
    EXPECT_GT(signed_rank_test(d, location.interval->low + inside)->p_two_sided, 0.05);
    EXPECT_GT(signed_rank_test(d, location.interval->high - inside)->p_two_sided, 0.05);
    EXPECT_LE(signed_rank_test(d, location.interval->low - inside)->p_two_sided, 0.05);
    EXPECT_LE(signed_rank_test(d, location.interval->high + inside)->p_two_sided, 0.05);
  }
}

TEST(HodgesLehmann, OfManyValuesIsTheOrderStatisticOfAllWalshAverages) {
  Rng rng(5);
  std::vector<double> d;
  for (int i = 0; i < 301; ++i) d.push_back(std::round(200 * (rng.uniform() - 0.4)) / 64);  // with ties
  std::vector<double> averages;
  for (std::size_t i = 0; i < d.size(); ++i)
    for (std::size_t j = i; j < d.size(); ++j) averages.push_back((d[i] + d[j]) / 2);
  std::sort(averages.begin(), averages.end());
  const Location location = hodges_lehmann(d).value();
  EXPECT_EQ(location.estimate, *median(averages));
  const auto low = std::lower_bound(averages.begin(), averages.end(), location.interval->low) - averages.begin();
  const auto high = std::upper_bound(averages.begin(), averages.end(), location.interval->high) - averages.begin();
  // n (n + 1) / 4 − 1.96 sqrt(n (n + 1) (2n + 1) / 24) = 19,768 averages lie below, but for ties.
  EXPECT_NEAR(static_cast<double>(low), 19'768, 400);
  EXPECT_NEAR(static_cast<double>(averages.size()) - static_cast<double>(high), 19'768, 400);
}

TEST(SignedRank, NormalTestOfManyPairsIsNearTheExactOne) {
  constexpr std::size_t kPairs = 251;
  std::vector<double> d;
  std::size_t w = 0;
  for (std::size_t i = 1; i <= kPairs; ++i) {
    const bool up = i % 7 < 4;
    d.push_back(up ? static_cast<double>(i) : -static_cast<double>(i));
    w += up ? i : 0;
  }
  // P(W⁺ ≥ w) over all signs.
  std::vector<double> share(kPairs * (kPairs + 1) / 2 + 1, 0.0);
  share[0] = 1;
  for (std::size_t rank = 1; rank <= kPairs; ++rank)
    for (std::size_t s = share.size(); s-- > 0;) share[s] = (share[s] + (s >= rank ? share[s - rank] : 0)) / 2;
  double at_least = 0;
  for (std::size_t s = w; s < share.size(); ++s) at_least += share[s];
  const SignedRankTest test = signed_rank_test(d).value();
  EXPECT_EQ(test.w_plus, static_cast<double>(w));
  EXPECT_LT(at_least, 0.05);
  EXPECT_NEAR(test.p_greater / at_least, 1, 0.01);
  EXPECT_NEAR(test.p_less + test.p_greater, 1 + share[w], 1e-4);
}

TEST(Equivalence, MatchesStatsmodelsTost) {
  for (const auto& c : cases()) {
    const auto d = goldens::numbers(c["differences"]);
    const EquivalenceTest test = equivalence_test(d, 0.01).value();
    expect_close(test.p, c["tost_p"], 1e-10);
    const Interval ci90 = mean_interval(d, 0.90).value();
    EXPECT_EQ(test.equivalent, ci90.low > -0.01 && ci90.high < 0.01);
  }
}

TEST(Equivalence, NeedsTheMeanInsideTheMarginWithoutSpread) {
  EXPECT_TRUE(equivalence_test(std::vector<double>{0.005, 0.005}, 0.01)->equivalent);
  EXPECT_FALSE(equivalence_test(std::vector<double>{0.01, 0.01}, 0.01)->equivalent);
  EXPECT_FALSE(equivalence_test(std::vector<double>{0.0}, 0.01));
}

TEST(Detectable, MatchesScipyNoncentralT) {
  for (const auto& c : cases()) {
    if (c["detectable_over_sd"].is_null()) continue;  // two pairs: scipy's nct gives NaN on the way
    const auto n = static_cast<int>(c["differences"].size());
    expect_close(detectable_difference(2.0, n).value(), 2.0 * c["detectable_over_sd"].get<double>(), 1e-9);
  }
  EXPECT_FALSE(detectable_difference(1.0, 1));
  EXPECT_EQ(detectable_difference(0.0, 5), 0.0);
}

TEST(Detectable, HasThePowerItClaims) {
  for (const int n : {2, 3, 9, 27, 1000}) EXPECT_NEAR(paired_t_power(*detectable_difference(0.01, n), 0.01, n), 0.8, 1e-9) << n;
  EXPECT_NEAR(paired_t_power(0, 0.01, 27), 0.05, 1e-12);
}

TEST(Holm, MatchesStatsmodels) {
  const auto& c = goldens::all()["paired"]["holm"];
  const auto adjusted = holm(goldens::numbers(c["p"]));
  for (size_t i = 0; i < adjusted.size(); ++i) expect_close(adjusted[i], c["adjusted"][i]);
}

TEST(LogRatios, AreOfBOverAAndNeedPositiveValues) {
  EXPECT_DOUBLE_EQ(log_ratios(std::vector<double>{1.0}, std::vector<double>{std::exp(0.5)})->at(0), 0.5);
  EXPECT_FALSE(log_ratios(std::vector<double>{0.0}, std::vector<double>{1.0}));
}

}  // namespace
}  // namespace ifm::stats
