#include "inferometer/stats/confidence.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>

#include "inferometer/base/check.h"
#include "inferometer/base/rng.h"
#include "inferometer/stats/describe.h"
#include "inferometer/stats/distribution.h"
#include "inferometer/stats/order_ranks.h"

namespace ifm::stats {
namespace {

/// The acceleration of BCa from the jackknife: Σ d³ / (6 (Σ d²)^1.5); 0 when leaving one out changes nothing.
double acceleration(std::span<const size_t> units, const StatisticOfClusters& statistic) {
  std::vector<double> estimates;
  std::vector<size_t> rest;
  for (size_t left_out = 0; left_out < units.size(); ++left_out) {
    rest.assign(units.begin(), units.end());
    rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(left_out));
    estimates.push_back(statistic(rest));
  }
  const double centre = *mean(estimates);
  double squares = 0;
  double cubes = 0;
  for (const double estimate : estimates) {
    const double d = centre - estimate;
    squares += d * d;
    cubes += d * d * d;
  }
  return squares > 0 ? cubes / (6 * std::pow(squares, 1.5)) : 0;
}

/// The bias-corrected and accelerated interval over resampled units.
Interval bca_interval(size_t n, const StatisticOfClusters& statistic, uint64_t seed, int resamples, double level) {
  IFM_CHECK(resamples >= 100);
  std::vector<size_t> units(n);
  std::iota(units.begin(), units.end(), size_t{0});
  const double estimate = statistic(units);
  Rng rng(seed);
  std::vector<double> estimates;
  std::vector<size_t> resample(n);
  double below = 0;
  for (int r = 0; r < resamples; ++r) {
    for (size_t& unit : resample) unit = static_cast<size_t>(rng.below(n));
    estimates.push_back(statistic(resample));
    below += estimates.back() < estimate ? 1.0 : estimates.back() == estimate ? 0.5 : 0.0;
  }
  const double bound = 0.5 / resamples;  // keeps the bias correction finite when every resample lies on one side
  const double bias = normal_quantile(std::clamp(below / resamples, bound, 1 - bound));
  const double a = acceleration(units, statistic);
  const auto percentile = [&](double p) {
    const double z = bias + normal_quantile(p);
    return *quantile(estimates, normal_cdf(bias + z / (1 - a * z)));
  };
  return Interval{percentile((1 - level) / 2), percentile((1 + level) / 2)};
}

}  // namespace

std::optional<Interval> mean_interval(std::span<const double> values, double level) {
  const std::optional<double> spread = sd(values);
  if (!spread) return std::nullopt;
  const auto n = static_cast<double>(values.size());
  const double half = t_quantile(0.5 + level / 2, n - 1) * *spread / std::sqrt(n);
  const double centre = *mean(values);
  return Interval{centre - half, centre + half};
}

std::optional<Interval> pooled_mean_interval(std::span<const std::vector<double>> cells, double level) {
  const std::optional<PooledSd> pooled = pooled_sd(cells);
  if (!pooled) return std::nullopt;
  std::vector<double> all;
  for (const std::vector<double>& cell : cells) all.insert(all.end(), cell.begin(), cell.end());
  const double half =
      t_quantile(0.5 + level / 2, pooled->degrees_of_freedom) * pooled->sd / std::sqrt(static_cast<double>(pooled->n));
  const double centre = *mean(all);
  return Interval{centre - half, centre + half};
}

Interval sd_interval(const PooledSd& pooled, double level) {
  const double df = pooled.degrees_of_freedom;
  return {pooled.sd * std::sqrt(df / chi_squared_quantile(0.5 + level / 2, df)),
          pooled.sd * std::sqrt(df / chi_squared_quantile(0.5 - level / 2, df))};
}

std::optional<Interval> quantile_interval(std::span<const double> values, double p, double level) {
  const auto ranks = quantile_ranks(static_cast<int>(values.size()), p, level);
  if (!ranks) return std::nullopt;
  const std::vector<double> order = sorted(values);
  return Interval{order[static_cast<size_t>(ranks->low)], order[static_cast<size_t>(ranks->high)]};
}

std::optional<Interval> median_interval(std::span<const double> values, double level) {
  const auto ranks = median_ranks(static_cast<int>(values.size()), level);
  if (!ranks) return std::nullopt;
  const double weight = ranks->inner_weight;
  const std::vector<double> order = sorted(values);
  const auto d = static_cast<size_t>(ranks->depth);
  const size_t last = order.size();
  return Interval{(1 - weight) * order[d - 1] + weight * order[d], (1 - weight) * order[last - d] + weight * order[last - d - 1]};
}

std::optional<Interval> bootstrap_interval(std::span<const double> values, const Statistic& statistic, uint64_t seed,
                                           int resamples, double level) {
  if (values.size() < 2) return std::nullopt;
  std::vector<double> chosen(values.size());
  const auto of_units = [&](std::span<const size_t> units) {
    chosen.resize(units.size());
    for (size_t i = 0; i < units.size(); ++i) chosen[i] = values[units[i]];
    return statistic(chosen);
  };
  return bca_interval(values.size(), of_units, seed, resamples, level);
}

std::optional<ClusterInterval> cluster_bootstrap_interval(std::span<const std::vector<double>> clusters,
                                                          const Statistic& statistic, uint64_t seed, int resamples,
                                                          double level) {
  std::vector<const std::vector<double>*> filled;
  for (const std::vector<double>& cluster : clusters)
    if (!cluster.empty()) filled.push_back(&cluster);
  std::vector<double> pooled;
  const auto of_units = [&](std::span<const size_t> units) {
    pooled.clear();
    for (const size_t unit : units) pooled.insert(pooled.end(), filled[unit]->begin(), filled[unit]->end());
    return statistic(pooled);
  };
  return cluster_bootstrap_interval(filled.size(), of_units, seed, resamples, level);
}

std::optional<ClusterInterval> cluster_bootstrap_interval(size_t clusters, const StatisticOfClusters& statistic, uint64_t seed,
                                                          int resamples, double level) {
  if (clusters < kLeastClusters) return std::nullopt;
  return ClusterInterval{.interval = bca_interval(clusters, statistic, seed, resamples, level),
                         .clusters = static_cast<int>(clusters),
                         .resamples = resamples,
                         .seed = seed};
}

}  // namespace ifm::stats
