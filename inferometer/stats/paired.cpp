#include "inferometer/stats/paired.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>

#include "inferometer/base/check.h"
#include "inferometer/stats/describe.h"
#include "inferometer/stats/distribution.h"
#include "inferometer/stats/sorted_parts.h"

namespace ifm::stats {
namespace {

/// Pairs up to which the null distribution is computed; the normal one is within a thousandth of it beyond.
constexpr size_t kMostExact = 250;

/// Twice the midranks of |d|, so that ties stay whole numbers.
std::vector<int> doubled_ranks(std::span<const double> differences) {
  std::vector<size_t> order(differences.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return std::abs(differences[a]) < std::abs(differences[b]); });
  std::vector<int> ranks(differences.size());
  for (size_t first = 0; first < order.size();) {
    size_t last = first;
    while (last + 1 < order.size() && std::abs(differences[order[last + 1]]) == std::abs(differences[order[first]])) ++last;
    for (size_t i = first; i <= last; ++i) ranks[order[i]] = static_cast<int>(first + last) + 2;
    first = last + 1;
  }
  return ranks;
}

/// Probability of each rank sum over all signs.
std::vector<double> rank_sum_distribution(std::span<const int> ranks) {
  size_t largest = 0;
  for (const int rank : ranks) largest += static_cast<size_t>(rank);
  std::vector<double> probability(largest + 1, 0.0);
  std::vector<double> next(largest + 1, 0.0);
  probability[0] = 1;
  size_t reach = 0;
  for (const int rank : ranks) {
    const auto step = static_cast<size_t>(rank);
    for (size_t s = 0; s < step; ++s) next[s] = probability[s] / 2;
    for (size_t s = step; s <= reach + step; ++s) next[s] = (probability[s] + probability[s - step]) / 2;
    reach += step;
    probability.swap(next);
  }
  return probability;
}

/// How many of the sorted Walsh averages lie outside the interval on each side: the largest k with P(W⁺ ≤ k) ≤ tail; -1: none.
int walsh_cut(size_t n, double tail) {
  if (n > kMostExact) {
    const auto count = static_cast<double>(n);
    const double spread = std::sqrt(count * (count + 1) * (2 * count + 1) / 24);
    return static_cast<int>(std::floor(count * (count + 1) / 4 + normal_quantile(tail) * spread - 0.5));
  }
  std::vector<int> ranks(n);
  for (size_t i = 0; i < n; ++i) ranks[i] = static_cast<int>(i) + 1;
  const std::vector<double> probability = rank_sum_distribution(ranks);
  double below = 0;
  int k = -1;
  for (const double p : probability) {
    below += p;
    if (below > tail + 1e-12) break;
    ++k;
  }
  return k;
}

/// Means of all pairs of sorted values, each with itself too, in ascending order; none is kept.
class WalshAverages {
 public:
  explicit WalshAverages(std::span<const double> values) : values_(sorted(values)) {}
  [[nodiscard]] size_t size() const { return values_.size() * (values_.size() + 1) / 2; }
  /// rank from 0. Cost: O(n).
  [[nodiscard]] double at(size_t rank) const {
    return first_double(values_.front(), values_.back(), [&](double x) { return not_above(x) > rank; });
  }
  [[nodiscard]] double median() const {
    const double below = at((size() - 1) / 2);
    return size() % 2 == 1 ? below : below + 0.5 * (at(size() / 2) - below);
  }

 private:
  [[nodiscard]] size_t not_above(double x) const {
    size_t count = 0;
    size_t end = values_.size();  // for each first value: the partners before it are low enough
    for (size_t i = 0; i < end; ++i) {
      while (end > i && (values_[i] + values_[end - 1]) / 2 > x) --end;
      count += end - i;
    }
    return count;
  }
  std::vector<double> values_;
};

/// The test by a normal distribution with the variance of the ranks seen and a correction for continuity.
SignedRankTest normal_test(std::span<const int> doubled, size_t seen) {
  double all = 0;
  double squares = 0;
  for (const int rank : doubled) {
    all += rank;
    squares += static_cast<double>(rank) * rank;
  }
  const double spread = std::sqrt(squares) / 2;  // of the doubled sum, whose mean is all / 2
  const double off = static_cast<double>(seen) - all / 2;
  SignedRankTest test;
  test.p_less = normal_cdf((off + 1) / spread);
  test.p_greater = normal_cdf(-(off - 1) / spread);
  return test;
}

/// The test over all signs of the ranks seen.
SignedRankTest exact_test(std::span<const int> doubled, size_t seen) {
  // Without ties every doubled rank is even, and half the sums do not occur.
  const bool whole = std::ranges::all_of(doubled, [](int rank) { return rank % 2 == 0; });
  std::vector<int> ranks(doubled.begin(), doubled.end());
  if (whole) {
    for (int& rank : ranks) rank /= 2;
    seen /= 2;
  }
  const std::vector<double> probability = rank_sum_distribution(ranks);
  const std::span<const double> all(probability);
  SignedRankTest test;
  test.p_less = std::min(1.0, sum(all.first(seen + 1)));
  test.p_greater = std::min(1.0, sum(all.subspan(seen)));
  return test;
}

}  // namespace

std::optional<std::vector<double>> log_ratios(std::span<const double> a, std::span<const double> b) {
  IFM_CHECK(a.size() == b.size());
  std::vector<double> ratios;
  for (size_t i = 0; i < a.size(); ++i) {
    if (!(a[i] > 0) || !(b[i] > 0)) return std::nullopt;
    ratios.push_back(std::log(b[i] / a[i]));
  }
  return ratios;
}

std::optional<TTest> paired_t_test(std::span<const double> differences) {
  const std::optional<double> spread = sd(differences);
  if (!spread) return std::nullopt;
  TTest test;
  test.mean = *mean(differences);
  test.sd = *spread;
  test.degrees_of_freedom = static_cast<int>(differences.size()) - 1;
  if (*spread > 0) {
    test.t = test.mean / (*spread / std::sqrt(static_cast<double>(differences.size())));
    test.p = t_two_sided_p(test.t, test.degrees_of_freedom);
  } else {
    test.p = test.mean == 0 ? 1 : 0;
  }
  return test;
}

std::optional<SignedRankTest> signed_rank_test(std::span<const double> differences, double shift) {
  std::vector<double> shifted;
  for (const double d : differences)
    if (d != shift) shifted.push_back(d - shift);
  if (shifted.empty()) return std::nullopt;
  const std::vector<int> ranks = doubled_ranks(shifted);
  size_t seen = 0;
  for (size_t i = 0; i < shifted.size(); ++i)
    if (shifted[i] > 0) seen += static_cast<size_t>(ranks[i]);
  SignedRankTest test = shifted.size() > kMostExact ? normal_test(ranks, seen) : exact_test(ranks, seen);
  test.n = static_cast<int>(shifted.size());
  test.w_plus = static_cast<double>(seen) / 2;
  test.p_two_sided = std::min(1.0, 2 * std::min(test.p_less, test.p_greater));
  return test;
}

std::optional<Location> hodges_lehmann(std::span<const double> differences, double level) {
  if (differences.empty()) return std::nullopt;
  const WalshAverages averages(differences);
  Location location;
  location.estimate = averages.median();
  const int cut = walsh_cut(differences.size(), (1 - level) / 2);
  if (cut >= 0) {
    const auto k = static_cast<size_t>(cut);
    location.interval = Interval{averages.at(k), averages.at(averages.size() - 1 - k)};
  }
  return location;
}

std::optional<EquivalenceTest> equivalence_test(std::span<const double> differences, double margin, double alpha) {
  IFM_CHECK(margin > 0);
  const std::optional<TTest> test = paired_t_test(differences);
  if (!test) return std::nullopt;
  EquivalenceTest result;
  if (test->sd > 0) {
    const double se = test->sd / std::sqrt(static_cast<double>(differences.size()));
    const double above_low = t_cdf(-(test->mean + margin) / se, test->degrees_of_freedom);
    const double below_high = t_cdf((test->mean - margin) / se, test->degrees_of_freedom);
    result.p = std::max(above_low, below_high);
  } else {
    result.p = std::abs(test->mean) < margin ? 0 : 1;
  }
  result.equivalent = result.p < alpha;
  return result;
}

double paired_t_power(double difference, double sd, int n, double alpha) {
  const double degrees = n - 1;
  const double critical = t_quantile(1 - alpha / 2, degrees);
  const double noncentrality = std::abs(difference) / (sd / std::sqrt(static_cast<double>(n)));
  return noncentral_t_upper_p(critical, degrees, noncentrality) + 1 - noncentral_t_upper_p(-critical, degrees, noncentrality);
}

std::optional<double> detectable_difference(double sd, int n, double alpha, double power) {
  if (n < 2 || !(sd >= 0)) return std::nullopt;
  if (sd == 0) return 0;
  double low = 0;
  double high = sd;
  while (paired_t_power(high, sd, n, alpha) < power) high *= 2;
  for (int i = 0; i < 80; ++i) {
    const double middle = low + (high - low) / 2;
    (paired_t_power(middle, sd, n, alpha) < power ? low : high) = middle;
  }
  return high;
}

std::vector<double> holm(std::span<const double> p_values) {
  std::vector<size_t> order(p_values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return p_values[a] < p_values[b]; });
  std::vector<double> adjusted(p_values.size());
  double running = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    running = std::max(running, std::min(1.0, static_cast<double>(order.size() - i) * p_values[order[i]]));
    adjusted[order[i]] = running;
  }
  return adjusted;
}

}  // namespace ifm::stats
