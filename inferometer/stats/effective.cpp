#include "inferometer/stats/effective.h"

#include <algorithm>

#include "inferometer/stats/describe.h"

namespace ifm::stats {

std::optional<EffectiveSize> effective_size(std::span<const double> values) {
  constexpr size_t kLeast = 5;
  constexpr double kMostCorrelation = 0.99;
  const std::optional<double> r = lag1_autocorrelation(values);
  if (values.size() < kLeast || !r) return std::nullopt;
  const auto n = static_cast<double>(values.size());
  const double correlation = std::clamp((n * *r + 1) / (n - 3), -kMostCorrelation, kMostCorrelation);
  return EffectiveSize{correlation, std::clamp(n * (1 - correlation) / (1 + correlation), 1.0, n)};
}

}  // namespace ifm::stats
