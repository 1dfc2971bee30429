#include "inferometer/stats/outliers.h"

#include <cmath>

#include "inferometer/stats/describe.h"

namespace ifm::stats {
namespace {

constexpr double kSdPerMad = 1.482602218505602;             ///< 1 / Φ⁻¹(3/4)
constexpr double kSdPerMeanDeviation = 1.2533141373155003;  ///< √(π/2)

}  // namespace

OutlierMarks mark_outliers(std::span<const double> values, double limit) {
  OutlierMarks marks;
  if (values.empty()) return marks;
  marks.centre = *median(values);
  std::vector<double> deviations;
  for (const double x : values) deviations.push_back(std::abs(x - marks.centre));
  const double mad = *median(deviations);
  marks.spread = mad > 0 ? kSdPerMad * mad : kSdPerMeanDeviation * *mean(deviations);
  for (size_t i = 0; i < values.size(); ++i) {
    marks.modified_z.push_back(marks.spread > 0 ? (values[i] - marks.centre) / marks.spread : 0);
    if (std::abs(marks.modified_z.back()) > limit) marks.marked.push_back(i);
  }
  return marks;
}

}  // namespace ifm::stats
