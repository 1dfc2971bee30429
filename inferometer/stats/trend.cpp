#include "inferometer/stats/trend.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "inferometer/base/check.h"
#include "inferometer/stats/describe.h"
#include "inferometer/stats/distribution.h"

namespace ifm::stats {
namespace {

double kendall_term(double k) { return k * (k - 1) * (2 * k + 5); }

/// Σ k (k − 1)(2k + 5) over groups of k equal values.
double tie_term(std::span<const double> values) {
  const std::vector<double> order = sorted(values);
  double total = 0;
  for (size_t first = 0; first < order.size();) {
    size_t last = first;
    while (last < order.size() && order[last] == order[first]) ++last;
    total += kendall_term(static_cast<double>(last - first));
    first = last;
  }
  return total;
}

void append_slopes(const Points& cell, std::vector<double>& slopes) {
  for (size_t i = 0; i < cell.x.size(); ++i) {
    for (size_t j = i + 1; j < cell.x.size(); ++j) {
      const double run = cell.x[j] - cell.x[i];
      if (run != 0) slopes.push_back((cell.y[j] - cell.y[i]) / run);
    }
  }
}

}  // namespace

std::optional<Trend> theil_sen_within(std::span<const Points> cells, double level) {
  std::vector<double> slopes;
  double variance = 0;  // of Kendall's S, times 18
  for (const Points& cell : cells) {
    IFM_CHECK(cell.x.size() == cell.y.size());
    append_slopes(cell, slopes);
    variance += kendall_term(static_cast<double>(cell.x.size())) - tie_term(cell.x) - tie_term(cell.y);
  }
  if (slopes.empty()) return std::nullopt;
  std::sort(slopes.begin(), slopes.end());
  Trend trend;
  trend.slope = *median(slopes);
  trend.slopes = static_cast<int>(slopes.size());
  const auto count = static_cast<double>(slopes.size());
  const double reach = normal_quantile(0.5 + level / 2) * std::sqrt(std::max(0.0, variance) / 18);
  const double high = std::nearbyint((count + reach) / 2);
  const double low = std::nearbyint((count - reach) / 2) - 1;
  // Ranks outside the slopes seen: too few for this level, so there is no interval rather than one that is too short.
  if (low >= 0 && high <= count - 1)
    trend.interval = Interval{slopes[static_cast<size_t>(low)], slopes[static_cast<size_t>(high)]};
  return trend;
}

std::optional<Trend> theil_sen(std::span<const double> x, std::span<const double> y, double level) {
  const std::vector<Points> cells{{{x.begin(), x.end()}, {y.begin(), y.end()}}};
  return theil_sen_within(cells, level);
}

}  // namespace ifm::stats
