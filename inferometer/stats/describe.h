#pragma once

#include <optional>
#include <span>
#include <vector>

/// Pure statistics on spans. Too few values are an absent answer (nullopt), never 0 or NaN. Values must be finite.
namespace ifm::stats {

/// Sum with Neumaier's compensation: the error does not grow with n.
[[nodiscard]] double sum(std::span<const double> values);
/// Arithmetic mean; n ≥ 1.
[[nodiscard]] std::optional<double> mean(std::span<const double> values);
/// Sum of squared deviations from the mean; 0 for n < 2.
[[nodiscard]] double sum_of_squares(std::span<const double> values);
/// Standard deviation with n − 1; n ≥ 2.
[[nodiscard]] std::optional<double> sd(std::span<const double> values);
/// Quantile p in [0, 1] by linear interpolation between order statistics (Hyndman–Fan type 7, numpy's default); n ≥ 1.
[[nodiscard]] std::optional<double> quantile(std::span<const double> values, double p);
[[nodiscard]] std::optional<double> median(std::span<const double> values);
[[nodiscard]] std::optional<double> minimum(std::span<const double> values);
[[nodiscard]] std::optional<double> maximum(std::span<const double> values);
/// The values in ascending order.
[[nodiscard]] std::vector<double> sorted(std::span<const double> values);
/// exp(mean(log x)); every value > 0, else nullopt.
[[nodiscard]] std::optional<double> geometric_mean(std::span<const double> values);

/// sd inside the cells: sqrt(Σ SS_cell / (N − cells)); cells may hold any number of values, empty ones do not count.
struct PooledSd {
  double sd = 0;
  int degrees_of_freedom = 0;  ///< N − cells
  int n = 0;
};
/// Needs a cell with ≥ 2 values.
[[nodiscard]] std::optional<PooledSd> pooled_sd(std::span<const std::vector<double>> cells);

/// Σ (x_i − m)² and Σ (x_i − m)(x_{i+1} − m) about the mean m, in one pass after it; n ≥ 1.
struct NeighbourSums {
  double squares = 0, products = 0;
};
[[nodiscard]] NeighbourSums neighbour_sums(std::span<const double> values);

/// Correlation of neighbours in time: Σ (x_i − m)(x_{i+1} − m) / Σ (x_i − m)²; n ≥ 3 and some spread.
[[nodiscard]] std::optional<double> lag1_autocorrelation(std::span<const double> values);

}  // namespace ifm::stats
