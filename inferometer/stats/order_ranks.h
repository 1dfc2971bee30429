#pragma once

#include <optional>

namespace ifm::stats {

/// Ranks of two order statistics, from 0.
struct RankInterval {
  int low = 0, high = 0;
};

/// Which order statistics of n values hold quantile p between them with at least `level`, tails each at most (1 − level) / 2;
/// null when n is too small for both ends. Cost: O(log n) binomial sums.
[[nodiscard]] std::optional<RankInterval> quantile_ranks(int n, double p, double level = 0.95);

/// Two nested pairs of order statistics around the median: the outer ones at `depth` − 1 from each end, the inner ones next to
/// them, and the weight of the inner pair in an interval of `level`.
struct MedianRanks {
  int depth = 1;
  double inner_weight = 0;
};
/// Null under 6 values (at 95 %). Source: Hettmansperger and Sheather 1986, Statistics & Probability Letters 4, 75-79.
[[nodiscard]] std::optional<MedianRanks> median_ranks(int n, double level = 0.95);

}  // namespace ifm::stats
