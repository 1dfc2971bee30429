#pragma once

#include <optional>
#include <span>
#include <vector>

#include "inferometer/stats/interval.h"

/// Comparisons of pairs. Differences of logs are log ratios: exp(mean) is the ratio of geometric means.
namespace ifm::stats {

/// log(b / a) per pair. Same length; every value > 0, else nullopt.
[[nodiscard]] std::optional<std::vector<double>> log_ratios(std::span<const double> a, std::span<const double> b);

/// One-sample t test that the mean of the differences is 0; n ≥ 2. Without any spread p is 0 (or 1 at a mean of exactly 0).
struct TTest {
  double mean = 0, sd = 0, t = 0, p = 1;
  int degrees_of_freedom = 0;
};
[[nodiscard]] std::optional<TTest> paired_t_test(std::span<const double> differences);

/// Wilcoxon signed-rank test that the differences are symmetric about `shift`; exact up to 250 pairs, ties included (the null
/// distribution over all 2ⁿ signs of the ranks seen), beyond by the normal distribution with the ranks' own variance and a
/// correction for continuity; differences equal to the shift are left out. n ≥ 1 after that.
struct SignedRankTest {
  int n = 0;
  double w_plus = 0;
  double p_less = 1;     ///< P(W⁺ ≤ seen): small when the differences lie below the shift
  double p_greater = 1;  ///< P(W⁺ ≥ seen)
  double p_two_sided = 1;
};
[[nodiscard]] std::optional<SignedRankTest> signed_rank_test(std::span<const double> differences, double shift = 0);

/// Median of the Walsh averages (Hodges–Lehmann) and its signed-rank interval (exact up to 250 values, beyond with the normal
/// distribution's ranks); the interval is null when n is too small for the level (under 6 at 95 %). n ≥ 1. Cost: O(n log n).
struct Location {
  double estimate = 0;
  std::optional<Interval> interval;
};
[[nodiscard]] std::optional<Location> hodges_lehmann(std::span<const double> differences, double level = 0.95);

/// Two one-sided t tests that the mean difference lies inside ±margin: equivalent at `alpha` when p < alpha, which is
/// when the (1 − 2 alpha) interval lies inside ±margin. n ≥ 2, margin > 0. Source: Schuirmann 1987.
struct EquivalenceTest {
  double p = 1;
  bool equivalent = false;
};
[[nodiscard]] std::optional<EquivalenceTest> equivalence_test(std::span<const double> differences, double margin,
                                                              double alpha = 0.05);

/// Smallest mean difference that a two-sided paired t test at `alpha` shows with probability `power`, for n pairs with
/// this sd of differences; by the noncentral t distribution. n ≥ 2.
[[nodiscard]] std::optional<double> detectable_difference(double sd, int n, double alpha = 0.05, double power = 0.8);
/// Power of that test for a true mean difference (both tails).
[[nodiscard]] double paired_t_power(double difference, double sd, int n, double alpha = 0.05);

/// Holm's step-down adjustment, in the order given.
[[nodiscard]] std::vector<double> holm(std::span<const double> p_values);

}  // namespace ifm::stats
