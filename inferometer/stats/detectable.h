#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>

namespace ifm::stats {

/// p of a test of n values against no effect.
using PValue = std::function<double(std::span<const double>)>;

/// What a simulation with the noise that was seen says about a test.
struct DetectableShift {
  double shift = 0;         ///< smallest added constant that is found with at least `power`, to 1 % of itself
  double power = 0;         ///< share of the simulated samples in which that shift was found
  double false_alarms = 0;  ///< the same share without a shift: about alpha, or the test does not suit this noise
  int simulations = 0;
  uint64_t seed = 0;
};

/// Draws samples of n from the residuals (centred here) with replacement, adds a shift and asks the test; the same draws for each
/// shift, so that the answer does not jump. residuals ≥ 5 with some spread, n ≥ 2, simulations ≥ 100; null also where even
/// 1,000 sd are not found. Cost: about 20 · simulations tests of n values.
[[nodiscard]] std::optional<DetectableShift> detectable_shift(std::span<const double> residuals, int n, const PValue& test,
                                                              uint64_t seed, double power = 0.8, double alpha = 0.05,
                                                              int simulations = 1000);

}  // namespace ifm::stats
