#include "inferometer/stats/describe.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace ifm::stats {

double sum(std::span<const double> values) {
  double total = 0;
  double lost = 0;  // low-order bits that `total` could not hold
  for (const double x : values) {
    const double next = total + x;
    lost += std::abs(total) >= std::abs(x) ? (total - next) + x : (x - next) + total;
    total = next;
  }
  return total + lost;
}

std::optional<double> mean(std::span<const double> values) {
  if (values.empty()) return std::nullopt;
  return sum(values) / static_cast<double>(values.size());
}

double sum_of_squares(std::span<const double> values) {
  if (values.size() < 2) return 0;
  const double centre = *mean(values);
  std::vector<double> squares;
  squares.reserve(values.size());
  for (const double x : values) squares.push_back((x - centre) * (x - centre));
  return sum(squares);
}

std::optional<double> sd(std::span<const double> values) {
  if (values.size() < 2) return std::nullopt;
  return std::sqrt(sum_of_squares(values) / static_cast<double>(values.size() - 1));
}

std::vector<double> sorted(std::span<const double> values) {
  std::vector<double> result(values.begin(), values.end());
  std::sort(result.begin(), result.end());
  return result;
}

std::optional<double> quantile(std::span<const double> values, double p) {
  if (values.empty()) return std::nullopt;
  std::vector<double> order(values.begin(), values.end());
  const double position = std::clamp(p, 0.0, 1.0) * static_cast<double>(order.size() - 1);
  const auto below = order.begin() + static_cast<std::ptrdiff_t>(std::floor(position));
  std::nth_element(order.begin(), below, order.end());
  const double above = below + 1 == order.end() ? *below : *std::min_element(below + 1, order.end());
  const double weight = position - std::floor(position);
  return *below + weight * (above - *below);
}

std::optional<double> median(std::span<const double> values) { return quantile(values, 0.5); }

std::optional<double> minimum(std::span<const double> values) {
  if (values.empty()) return std::nullopt;
  return *std::min_element(values.begin(), values.end());
}

std::optional<double> maximum(std::span<const double> values) {
  if (values.empty()) return std::nullopt;
  return *std::max_element(values.begin(), values.end());
}

std::optional<double> geometric_mean(std::span<const double> values) {
  if (values.empty()) return std::nullopt;
  std::vector<double> logs;
  logs.reserve(values.size());
  for (const double x : values) {
    if (!(x > 0)) return std::nullopt;
    logs.push_back(std::log(x));
  }
  return std::exp(*mean(logs));
}

std::optional<PooledSd> pooled_sd(std::span<const std::vector<double>> cells) {
  PooledSd pooled;
  double squares = 0;
  for (const std::vector<double>& cell : cells) {
    if (cell.empty()) continue;
    squares += sum_of_squares(cell);
    pooled.n += static_cast<int>(cell.size());
    pooled.degrees_of_freedom += static_cast<int>(cell.size()) - 1;
  }
  if (pooled.degrees_of_freedom < 1) return std::nullopt;
  pooled.sd = std::sqrt(squares / pooled.degrees_of_freedom);
  return pooled;
}

NeighbourSums neighbour_sums(std::span<const double> values) {
  const double centre = *mean(values);
  NeighbourSums sums;
  double last = 0;
  for (const double x : values) {
    const double off = x - centre;
    sums.squares += off * off;
    sums.products += off * last;
    last = off;
  }
  return sums;
}

std::optional<double> lag1_autocorrelation(std::span<const double> values) {
  if (values.size() < 3) return std::nullopt;
  const NeighbourSums sums = neighbour_sums(values);
  return sums.squares > 0 ? std::optional(sums.products / sums.squares) : std::nullopt;
}

}  // namespace ifm::stats
