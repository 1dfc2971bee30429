#include "inferometer/stats/welch.h"

#include <cmath>

#include "inferometer/stats/describe.h"
#include "inferometer/stats/distribution.h"

namespace ifm::stats {

std::optional<Interval> welch_interval(std::span<const double> a, std::span<const double> b, double level) {
  if (a.size() < 2 || b.size() < 2) return std::nullopt;
  const auto degrees = [](std::span<const double> x) { return static_cast<double>(x.size() - 1); };
  const auto of_mean = [&](std::span<const double> x) { return sum_of_squares(x) / degrees(x) / static_cast<double>(x.size()); };
  const double variance_a = of_mean(a);
  const double variance_b = of_mean(b);
  const double variance = variance_a + variance_b;
  if (!(variance > 0)) return std::nullopt;
  const double welch = variance * variance / (variance_a * variance_a / degrees(a) + variance_b * variance_b / degrees(b));
  const double half = t_quantile(1 - (1 - level) / 2, welch) * std::sqrt(variance);
  const double difference = *mean(b) - *mean(a);
  return Interval{difference - half, difference + half};
}

}  // namespace ifm::stats
