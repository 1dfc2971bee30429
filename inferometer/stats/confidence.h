#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "inferometer/stats/describe.h"
#include "inferometer/stats/interval.h"

namespace ifm::stats {

/// t interval for the mean; n ≥ 2.
[[nodiscard]] std::optional<Interval> mean_interval(std::span<const double> values, double level = 0.95);

/// t interval for the mean over all values of a fixed design, from the variance inside its cells (df = N − cells): the
/// difference between cells is the design's, not uncertainty. Needs a cell with ≥ 2 values.
[[nodiscard]] std::optional<Interval> pooled_mean_interval(std::span<const std::vector<double>> cells, double level = 0.95);

/// Interval of a standard deviation by chi-square with its degrees of freedom: exact for normal values, and for them only.
[[nodiscard]] Interval sd_interval(const PooledSd& pooled, double level = 0.95);

/// Distribution-free interval for quantile p between two order statistics, coverage at least `level`, tails each at most
/// (1 − level) / 2. Null when n is too small for both ends: at 95 % a median needs 6 values, p90 36, p99 368.
[[nodiscard]] std::optional<Interval> quantile_interval(std::span<const double> values, double p, double level = 0.95);

/// Interval for the median, interpolated between the two nested order-statistic intervals around `level`, so that it covers
/// `level` and not more for small n. Null under 6 values (at 95 %). Source: Hettmansperger and Sheather 1986, Statistics &
/// Probability Letters 4, 75-79.
[[nodiscard]] std::optional<Interval> median_interval(std::span<const double> values, double level = 0.95);

using Statistic = std::function<double(std::span<const double>)>;

/// Bias-corrected and accelerated bootstrap interval of a statistic over resampled values, reproducible by its seed.
/// n ≥ 2, resamples ≥ 100. Cost: (resamples + n) evaluations. Source: Efron 1987, JASA 82, 171-185.
[[nodiscard]] std::optional<Interval> bootstrap_interval(std::span<const double> values, const Statistic& statistic,
                                                         uint64_t seed, int resamples = 9999, double level = 0.95);

/// What a bootstrap over clusters found, with what is needed to find it again.
struct ClusterInterval {
  Interval interval;
  int clusters = 0;
  int resamples = 0;
  uint64_t seed = 0;
};
/// A statistic of clusters that are named by their numbers, from 0; a number may stand there several times.
using StatisticOfClusters = std::function<double(std::span<const size_t>)>;
/// Fewer clusters give no interval: it would cover too seldom (docs/coverage.md).
constexpr size_t kLeastClusters = 20;
/// The same interval for a statistic of pooled values of which only clusters are independent (gaps between tokens: runs): whole
/// clusters are resampled. Empty clusters do not count. Cost: (resamples + clusters) evaluations on all values.
/// Source: Davison and Hinkley 1997, Bootstrap Methods and their Application, section 3.8.
[[nodiscard]] std::optional<ClusterInterval> cluster_bootstrap_interval(std::span<const std::vector<double>> clusters,
                                                                        const Statistic& statistic, uint64_t seed,
                                                                        int resamples = 1999, double level = 0.95);
/// The same where clusters are not lists of values; none is empty.
[[nodiscard]] std::optional<ClusterInterval> cluster_bootstrap_interval(size_t clusters, const StatisticOfClusters& statistic,
                                                                        uint64_t seed, int resamples = 1999, double level = 0.95);

}  // namespace ifm::stats
