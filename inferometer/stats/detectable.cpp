#include "inferometer/stats/detectable.h"

#include <cstddef>
#include <vector>

#include "inferometer/base/check.h"
#include "inferometer/base/rng.h"
#include "inferometer/stats/describe.h"

namespace ifm::stats {

std::optional<DetectableShift> detectable_shift(std::span<const double> residuals, int n, const PValue& test, uint64_t seed,
                                                double power, double alpha, int simulations) {
  constexpr size_t kLeastResiduals = 5;
  constexpr double kLargest = 1000, kPrecision = 0.01;
  IFM_CHECK(n >= 2 && simulations >= 100);
  const std::optional<double> spread = sd(residuals);
  if (residuals.size() < kLeastResiduals || !(*spread > 0)) return std::nullopt;
  const double centre = *mean(residuals);
  Rng rng(seed);
  std::vector<std::vector<double>> samples(static_cast<size_t>(simulations), std::vector<double>(static_cast<size_t>(n)));
  for (std::vector<double>& sample : samples)
    for (double& x : sample) x = residuals[static_cast<size_t>(rng.below(residuals.size()))] - centre;
  const auto found = [&](double shift) {
    int hits = 0;
    std::vector<double> shifted;
    for (const std::vector<double>& sample : samples) {
      shifted = sample;
      for (double& x : shifted) x += shift;
      hits += test(shifted) < alpha ? 1 : 0;
    }
    return static_cast<double>(hits) / simulations;
  };
  double low = 0, high = *spread;
  while (found(high) < power) {
    low = high;
    high *= 2;
    if (high > kLargest * *spread) return std::nullopt;
  }
  while (high - low > kPrecision * high) {
    const double middle = (low + high) / 2;
    (found(middle) >= power ? high : low) = middle;
  }
  return DetectableShift{.shift = high, .power = found(high), .false_alarms = found(0), .simulations = simulations, .seed = seed};
}

}  // namespace ifm::stats
