#pragma once

#include <optional>
#include <span>

namespace ifm::stats {

/// How many independent values n neighbours in time are worth for their mean, if each depends on the one before (AR(1)).
struct EffectiveSize {
  double correlation = 0;  ///< lag-1, corrected for its bias: (n r + 1) / (n − 3), which must know the mean; within ±0.99
  double size = 0;         ///< n (1 − ρ) / (1 + ρ), within [1, n]: a negative ρ is not taken as more values than there are
};

/// values: in order of time, n ≥ 5 with some spread, else null. r is lag1_autocorrelation.
/// Source: bias of r is −(1 + 3ρ) / n, Marriott and Pope 1954, Biometrika 41, 390-402; size: Bayley and Hammersley 1946,
/// J. Royal Stat. Soc. Suppl. 8, 184-197, for large n.
[[nodiscard]] std::optional<EffectiveSize> effective_size(std::span<const double> values);

}  // namespace ifm::stats
