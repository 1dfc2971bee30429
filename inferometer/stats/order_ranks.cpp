#include "inferometer/stats/order_ranks.h"

#include "inferometer/stats/distribution.h"

namespace ifm::stats {
namespace {

/// Rounding of the binomial sums must not decide whether a bound is met.
constexpr double kProbabilitySlack = 1e-12;

/// The smallest k of [low, high] for which holds(k); high when for none below it. holds: false, then true.
template <typename Predicate>
int first_that(int low, int high, const Predicate& holds) {
  while (low < high) {
    const int middle = low + (high - low) / 2;
    if (holds(middle)) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return high;
}

}  // namespace

std::optional<RankInterval> quantile_ranks(int n, double p, double level) {
  const double tail = (1 - level) / 2 + kProbabilitySlack;
  // x_(l) is above the quantile with probability P(Bin(n, p) ≤ l − 1); x_(u) is below it with P(Bin ≥ u).
  const int low = first_that(0, n, [&](int k) { return binomial_cdf(k, n, p) > tail; });
  const int high = first_that(1, n + 1, [&](int k) { return 1 - binomial_cdf(k - 1, n, p) <= tail; });
  if (low < 1 || high > n) return std::nullopt;
  return RankInterval{low - 1, high - 1};
}

std::optional<MedianRanks> median_ranks(int n, double level) {
  const auto coverage = [n](int depth) { return 1 - 2 * binomial_cdf(depth - 1, n, 0.5); };
  // The deepest pair of order statistics that still covers `level`.
  const int depth = first_that(0, n / 2, [&](int d) { return coverage(d + 1) < level - kProbabilitySlack; });
  if (depth < 1) return std::nullopt;
  const double outer = coverage(depth);
  const double inner = coverage(depth + 1);
  const double share = (outer - level) / (outer - inner);
  const double k = depth;
  return MedianRanks{depth, (n - k) * share / (k + (n - 2 * k) * share)};
}

}  // namespace ifm::stats
