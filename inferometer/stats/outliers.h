#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace ifm::stats {

/// Values far from the rest. They are marked, never removed: what a mark means is for a person to say.
struct OutlierMarks {
  double centre = 0;  ///< median
  double spread = 0;  ///< 1.4826 · MAD; where the MAD is 0, 1.2533 · mean absolute deviation; 0: all values are equal
  std::vector<double> modified_z;  ///< (x − centre) / spread, 0.6745 (x − median) / MAD in the source; 0 when spread is 0
  std::vector<size_t> marked;      ///< indices with |modified_z| > limit, ascending
};

/// Source: Iglewicz and Hoaglin 1993, How to Detect and Handle Outliers, ASQC, p. 11 (limit 3.5; mean deviation for MAD = 0).
[[nodiscard]] OutlierMarks mark_outliers(std::span<const double> values, double limit = 3.5);

}  // namespace ifm::stats
