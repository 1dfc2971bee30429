#include "inferometer/stats/confidence.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "inferometer/base/check.h"
#include "inferometer/base/rng.h"
#include "inferometer/stats/describe.h"
#include "inferometer/stats/distribution.h"
#include "inferometer/stats/order_ranks.h"

namespace ifm::stats {
namespace {

/// The acceleration of BCa from the jackknife: Σ d³ / (6 (Σ d²)^1.5); 0 when leaving one out changes nothing.
double acceleration(std::span<const double> values, const Statistic& statistic) {
  std::vector<double> estimates;
  std::vector<double> rest;
  for (size_t left_out = 0; left_out < values.size(); ++left_out) {
    rest.assign(values.begin(), values.end());
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
  IFM_CHECK(resamples >= 100);
  if (values.size() < 2) return std::nullopt;
  const double estimate = statistic(values);
  Rng rng(seed);
  std::vector<double> estimates;
  std::vector<double> resample(values.size());
  double below = 0;
  for (int r = 0; r < resamples; ++r) {
    for (double& x : resample) x = values[rng.below(values.size())];
    estimates.push_back(statistic(resample));
    below += estimates.back() < estimate ? 1.0 : estimates.back() == estimate ? 0.5 : 0.0;
  }
  const double bound = 0.5 / resamples;  // keeps the bias correction finite when every resample lies on one side
  const double bias = normal_quantile(std::clamp(below / resamples, bound, 1 - bound));
  const double a = acceleration(values, statistic);
  const auto percentile = [&](double p) {
    const double z = bias + normal_quantile(p);
    return *quantile(estimates, normal_cdf(bias + z / (1 - a * z)));
  };
  return Interval{percentile((1 - level) / 2), percentile((1 + level) / 2)};
}

}  // namespace ifm::stats
