#pragma once

#include <optional>
#include <span>
#include <vector>

namespace ifm::stats {

/// How much of the variance lies between groups (processes, say) and how much inside them; one-way random effects, by the
/// ANOVA estimator, which needs no normality and no equal sizes. Source: Searle, Casella and McCulloch 1992, Variance
/// Components, Wiley, section 3.6.
struct VarianceComponents {
  int groups = 0;         ///< that hold a value
  int n = 0;              ///< values
  double group_size = 0;  ///< n0 = (N − Σ n_i² / N) / (groups − 1): the size of equal groups with the same say; 0 for one
  std::optional<double> within;   ///< variance inside groups; null when no group holds two values
  std::optional<double> between;  ///< variance of the groups' true means, never under 0; null with one group, or without `within`
  bool negative = false;          ///< the estimate of `between` came out under 0 and is given as 0: say so beside it
  std::optional<double> between_share;  ///< between / (between + within), the intraclass correlation; null when both are 0
};
[[nodiscard]] VarianceComponents variance_components(std::span<const std::vector<double>> groups);

}  // namespace ifm::stats
