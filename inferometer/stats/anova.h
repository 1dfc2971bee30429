#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace ifm::stats {

/// A factor of a design: the level of each observation, as a number that only names it.
struct Factor {
  std::string name;
  std::vector<int> levels;
};

/// What a factor explains.
struct Effect {
  std::string name;
  int degrees_of_freedom = 0;     ///< beside all other factors; 0 when it is confounded with them
  double share = 0;               ///< of the total sum of squares
  std::optional<double> p_value;  ///< Wald test with HC3 errors, given all other factors; null when it cannot be tested
};

/// Analysis of variance: shares of factors, of what only their combinations explain ("interactions": a mean per cell, blocks
/// beside) and "residual" (within cells); they sum to 1.
/// A factor's share is its mean over all orders of entering the factors, which for balanced designs is the classical one
/// (Lindeman, Merenda and Gold 1980). Cost: 2^factors least-squares fits; at most 10 factors.
/// `cells`: which observations share all factors but the block; `blocks` may be empty or one of the factors.
/// Null when y has no spread or under 3 values. Factors with one level are left out of the result.
[[nodiscard]] std::optional<std::vector<Effect>> variance_shares(std::span<const double> y, std::span<const Factor> factors,
                                                                 std::span<const int> cells);

}  // namespace ifm::stats
