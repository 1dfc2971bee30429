#pragma once

namespace ifm {

/// A closed interval, low ≤ high.
struct Interval {
  double low = 0;
  double high = 0;
};

}  // namespace ifm
