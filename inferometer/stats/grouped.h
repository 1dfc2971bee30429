#pragma once

#include <optional>
#include <span>
#include <vector>

#include "inferometer/stats/anova.h"
#include "inferometer/stats/linear.h"
#include "inferometer/stats/moments.h"

/// Least squares on observations that are kept as moments: groups of observations that share everything the model sees. The same
/// results as from the observations themselves (HC3 errors too: in a group all have one leverage), at a cost that does not grow
/// with their number.
namespace ifm::stats {

/// Observations with one x.
struct LineGroup {
  double x = 0;
  Moments y;
};
/// As fit_line of all observations.
[[nodiscard]] std::optional<Line> fit_line(std::span<const LineGroup> groups, double level = 0.95);

/// A column of a design, one value per group, as a Basis of groups takes it: times the root of the group's count.
[[nodiscard]] Column weighted(std::span<const double> column, std::span<const Moments> y);
/// As compare_models of all observations; the bases are over weighted() columns.
[[nodiscard]] std::optional<FTest> compare_models(const Basis& smaller, const Basis& larger, std::span<const Moments> y);

/// As variance_shares of all observations: `factors` and `cells` have one level per group. Cost: O(groups · columns²).
[[nodiscard]] std::optional<std::vector<Effect>> variance_shares(std::span<const Moments> y, std::span<const Factor> factors,
                                                                 std::span<const int> cells);

}  // namespace ifm::stats
