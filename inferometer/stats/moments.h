#pragma once

#include <cmath>
#include <cstdint>
#include <optional>
#include <span>

namespace ifm::stats {

/// Count, mean and sum of squared deviations of values that need not be kept. Those of parts add up exactly (but for rounding) to
/// those of the whole: Chan, Golub and LeVeque 1983, The American Statistician 37, 242-247.
struct Moments {
  int64_t n = 0;
  double mean = 0;
  double squares = 0;  ///< Σ (x − mean)²

  void merge(const Moments& other) {
    if (other.n == 0) return;
    const auto before = static_cast<double>(n);
    const auto added = static_cast<double>(other.n);
    const double step = other.mean - mean;
    n += other.n;
    mean += step * added / (before + added);
    squares += other.squares + step * step * before * added / (before + added);
  }
  /// n ≥ 2.
  [[nodiscard]] std::optional<double> sd() const {
    if (n < 2) return std::nullopt;
    return std::sqrt(squares / static_cast<double>(n - 1));
  }
};

/// Two passes: the mean first.
[[nodiscard]] inline Moments moments_of(std::span<const double> values) {
  Moments moments;
  if (values.empty()) return moments;
  const auto n = static_cast<double>(values.size());
  double total = 0;
  for (const double x : values) total += x;
  const double first = total / n;
  double off = 0;  // what rounding left in the first mean
  for (const double x : values) off += x - first;
  moments.n = static_cast<int64_t>(values.size());
  moments.mean = first + off / n;
  for (const double x : values) moments.squares += (x - moments.mean) * (x - moments.mean);
  return moments;
}

}  // namespace ifm::stats
