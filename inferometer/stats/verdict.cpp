#include "inferometer/stats/verdict.h"

#include <algorithm>
#include <cmath>

#include "inferometer/base/check.h"
#include "inferometer/stats/confidence.h"
#include "inferometer/stats/describe.h"
#include "inferometer/stats/distribution.h"
#include "inferometer/stats/paired.h"

namespace ifm::stats {
namespace {

constexpr double kPower = 0.8;
constexpr int kMostPairs = 10'000;
/// sd of a normal distribution over its median absolute deviation.
constexpr double kMadToSd = 1.4826;
/// Asymptotic efficiency of the signed-rank test beside the t test for normal differences: 3/π.
constexpr double kEfficiency = 0.955;

/// Spread that one wild pair cannot blow up; the sd where more than half of the pairs are equal.
double robust_sd(std::span<const double> values) {
  const double centre = *median(values);
  std::vector<double> deviations;
  for (const double value : values) deviations.push_back(std::abs(value - centre));
  const double mad = kMadToSd * *median(deviations);
  return mad > 0 ? mad : sd(values).value_or(0);
}

/// The interval that belongs to the signed-rank test, and the median in it.
std::optional<Interval> interval_of(std::span<const double> values, double level) {
  const auto location = hodges_lehmann(values, level);
  if (!location || !location->interval) return std::nullopt;
  const double centre = *median(values);
  return Interval{std::min(location->interval->low, centre), std::max(location->interval->high, centre)};
}

/// Smallest distance that n differences with this sd show to be one at two-sided α with the power above: Student's approximation
/// of the power of a t test, with the signed-rank test's efficiency.
double shown_distance(double spread, int n, double alpha) {
  const double degrees = n - 1;
  return (t_quantile(1 - alpha / 2, degrees) + t_quantile(kPower, degrees)) * spread / std::sqrt(kEfficiency * n);
}

/// Pairs without which no exact test of one of several quantities can show anything: the smallest p of n pairs is 2⁻ⁿ.
int least_shown(std::size_t quantities, double alpha) {
  return static_cast<int>(std::ceil(std::log2(static_cast<double>(quantities) / (alpha / 2))));
}

/// Pairs with which an effect as seen would probably be decided, of any verdict; null when none up to a limit are enough.
std::optional<int> pairs_needed(double effect, double spread, double margin, double alpha, int from) {
  const double distance = std::abs(std::abs(effect) - margin);
  // An interval of level 1 − 2α' inside the margin is a one-sided test at α' = 0.05 on each side.
  const double level = std::abs(effect) < margin ? 0.1 : alpha;
  if (shown_distance(spread, kMostPairs, level) > distance) return std::nullopt;
  int low = from - 1;  // is not enough, or need not be
  int high = kMostPairs;
  while (high - low > 1) {
    const int middle = low + (high - low) / 2;
    (shown_distance(spread, middle, level) <= distance ? high : low) = middle;
  }
  return high;
}

Verdict verdict_of(const PairedEffect& effect, double margin, double alpha, int least_pairs) {
  if (effect.pairs < least_pairs) return Verdict::inconclusive;
  if (effect.p_slower <= alpha / 2) return Verdict::regression;
  if (effect.p_faster <= alpha / 2) return Verdict::improvement;
  if (effect.ci90 && effect.ci90->low > -margin && effect.ci90->high < margin) return Verdict::equivalent;
  return Verdict::inconclusive;
}

Verdict overall(std::span<const PairedEffect> effects) {
  const auto any = [&](Verdict v) { return std::ranges::any_of(effects, [v](const PairedEffect& e) { return e.verdict == v; }); };
  if (any(Verdict::regression) && any(Verdict::improvement)) return Verdict::mixed;
  if (any(Verdict::regression)) return Verdict::regression;
  if (any(Verdict::improvement)) return Verdict::improvement;
  return effects.empty() || any(Verdict::inconclusive) ? Verdict::inconclusive : Verdict::equivalent;
}

}  // namespace

const char* to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::regression:
      return "regression";
    case Verdict::improvement:
      return "improvement";
    case Verdict::equivalent:
      return "equivalent";
    case Verdict::mixed:
      return "mixed";
    case Verdict::inconclusive:
      break;
  }
  return "inconclusive";
}

Comparison compare_pairs(std::span<const std::vector<double>> log_ratios, double margin, int least_pairs, double alpha) {
  IFM_CHECK(margin > 0);
  std::vector<double> slower, faster;
  for (const std::vector<double>& ratios : log_ratios) {
    IFM_CHECK(!ratios.empty());
    const auto above = signed_rank_test(ratios, margin);
    const auto below = signed_rank_test(ratios, -margin);
    slower.push_back(above ? above->p_greater : 1);
    faster.push_back(below ? below->p_less : 1);
  }
  slower = holm(slower);
  faster = holm(faster);
  Comparison comparison;
  const int least = std::max(least_pairs, least_shown(log_ratios.size(), alpha));
  for (std::size_t i = 0; i < log_ratios.size(); ++i) {
    const std::vector<double>& ratios = log_ratios[i];
    PairedEffect effect{.pairs = static_cast<int>(ratios.size()),
                        .effect = *median(ratios),
                        .ci95 = interval_of(ratios, 0.95),
                        .ci90 = interval_of(ratios, 0.90),
                        .p_slower = slower[i],
                        .p_faster = faster[i],
                        .detectable = {},
                        .more_pairs = {},
                        .verdict = Verdict::inconclusive};
    effect.verdict = verdict_of(effect, margin, alpha, least_pairs);
    const double spread = robust_sd(ratios);
    const double alpha_each = alpha / static_cast<double>(log_ratios.size());
    if (effect.pairs >= least) effect.detectable = margin + shown_distance(spread, effect.pairs, alpha_each);
    if (effect.verdict == Verdict::inconclusive && effect.pairs >= 2) {
      const auto needed = pairs_needed(effect.effect, spread, margin, alpha_each, std::max(effect.pairs + 1, least));
      if (needed) effect.more_pairs = *needed - effect.pairs;
    }
    comparison.effects.push_back(effect);
  }
  comparison.verdict = overall(comparison.effects);
  return comparison;
}

}  // namespace ifm::stats
