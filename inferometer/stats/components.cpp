#include "inferometer/stats/components.h"

#include <algorithm>
#include <cmath>

#include "inferometer/stats/describe.h"

namespace ifm::stats {

VarianceComponents variance_components(std::span<const std::vector<double>> groups) {
  VarianceComponents result;
  std::vector<double> all;
  double within_ss = 0, squared_sizes = 0;
  for (const std::vector<double>& group : groups) {
    if (group.empty()) continue;
    ++result.groups;
    all.insert(all.end(), group.begin(), group.end());
    within_ss += sum_of_squares(group);
    squared_sizes += std::pow(static_cast<double>(group.size()), 2);
  }
  result.n = static_cast<int>(all.size());
  const double n = result.n, count = result.groups;
  if (result.groups > 1) result.group_size = (n - squared_sizes / n) / (count - 1);
  if (result.n > result.groups) result.within = within_ss / (n - count);
  if (!result.within || result.groups < 2) return result;
  const double between_ms = std::max(0.0, sum_of_squares(all) - within_ss) / (count - 1);
  const double estimate = (between_ms - *result.within) / result.group_size;
  result.negative = estimate < 0;
  result.between = std::max(0.0, estimate);
  if (*result.between + *result.within > 0) result.between_share = *result.between / (*result.between + *result.within);
  return result;
}

}  // namespace ifm::stats
