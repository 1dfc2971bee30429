#pragma once

#include <optional>
#include <span>
#include <vector>

#include "inferometer/stats/interval.h"

namespace ifm::stats {

/// A slope by the median of pairwise slopes, which one outlier in four cannot move far.
struct Trend {
  double slope = 0;
  int slopes = 0;  ///< pairs with distinct x
  std::optional<Interval> interval;
};

/// Points of one cell.
struct Points {
  std::vector<double> x, y;
};

/// Theil–Sen slope of y over x and its interval from Kendall's S (Sen 1968, JASA 63, 1379-1389); two distinct x at least.
/// As scipy.stats.theilslopes: the interval's ranks are rounded to even, tied y and x lower the variance.
[[nodiscard]] std::optional<Trend> theil_sen(std::span<const double> x, std::span<const double> y, double level = 0.95);

/// The same with slopes taken inside cells only, so that differences between cells do not enter (seasonal Kendall slope:
/// Hirsch, Slack and Smith 1982, Water Resources Research 18, 107-121).
[[nodiscard]] std::optional<Trend> theil_sen_within(std::span<const Points> cells, double level = 0.95);

}  // namespace ifm::stats
