#pragma once

#include <functional>
#include <string>
#include <vector>

#include "inferometer/analysis/groups.h"

namespace ifm {

/// Values of a metric from pairs of runs that are alike in everything but one factor.
struct MatchedValues {
  std::vector<double> low, high;
  bool lengths_equal = true;  ///< both runs of every pair had the same number of output tokens
};

/// What two runs of a pair must share; runs with equal keys on the same side are an error of the caller's key.
using MatchKey = std::function<std::string(const Run&)>;

/// Pairs of timed runs with the metric on both sides, in execution order of the low side.
[[nodiscard]] MatchedValues match(const std::vector<const Run*>& low, const std::vector<const Run*>& high, const MatchKey& key,
                                  const MetricOf& metric);

}  // namespace ifm
