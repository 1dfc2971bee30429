#pragma once

#include <optional>
#include <span>
#include <vector>

#include "inferometer/stats/interval.h"

/// The verdict of METHOD 7 on pairs of processes. Values are log ratios log(B / A) of times, one per pair.
namespace ifm::stats {

/// How often a comparison of equal sides may give a verdict other than equivalent or inconclusive. Gates run every day: 5 % would
/// cry wolf every month.
inline constexpr double kFalseVerdicts = 0.01;

enum class Verdict { regression, improvement, equivalent, mixed, inconclusive };
[[nodiscard]] const char* to_string(Verdict verdict);

/// One quantity (a cell and a metric) of a comparison.
struct PairedEffect {
  int pairs = 0;
  double effect = 0;             ///< median of the log ratios
  std::optional<Interval> ci95;  ///< of that median; null under 6 pairs
  std::optional<Interval> ci90;  ///< null under 5 pairs
  double p_slower = 1;           ///< exact signed-rank test against effect ≤ margin, adjusted (Holm) over the comparison
  double p_faster = 1;           ///< the same against effect ≥ −margin
  std::optional<double>
      detectable;  ///< smallest effect over the margin that these pairs would show 8 times of 10; null where none would
  std::optional<int>
      more_pairs;  ///< as many more would probably decide it, if the effect is as seen; null: decided, or none would
  Verdict verdict = Verdict::inconclusive;
};

/// The whole comparison.
struct Comparison {
  Verdict verdict = Verdict::inconclusive;
  std::vector<PairedEffect> effects;  ///< in the order given
};

/// log_ratios: of each quantity, ≥ 1 pair each, finite. margin > 0: log(1 + δ). A slowdown or speed-up beyond the margin is shown
/// at α/2 each, Holm over the quantities, so that both sides equal gives a wrong verdict at most with α; equivalence when the 90
/// % interval lies inside ±margin for each. Fewer than `least_pairs` pairs decide nothing, and many quantities need more (an
/// exact test of n pairs has no p below 2⁻ⁿ: 10 pairs are enough for 5 quantities, 20 for 5,000).
[[nodiscard]] Comparison compare_pairs(std::span<const std::vector<double>> log_ratios, double margin, int least_pairs = 10,
                                       double alpha = kFalseVerdicts);

}  // namespace ifm::stats
