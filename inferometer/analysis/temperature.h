#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "inferometer/analysis/study.h"
#include "inferometer/stats/moments.h"

namespace ifm {

/// Log ratios of matched runs, of which only the moments are kept.
struct MatchedLogs {
  stats::Moments logs;
  bool lengths_equal = true;  ///< both runs of every pair had the same number of output tokens
  bool positive = true;       ///< every value had a log
  void merge(const MatchedLogs& other) {
    logs.merge(other.logs);
    lengths_equal = lengths_equal && other.lengths_equal;
    positive = positive && other.positive;
  }
};

/// An effect from such pairs, verdict and margin left open.
[[nodiscard]] TemperatureEffect temperature_effect(const char* metric, double low, double high, const MatchedLogs& pairs);
[[nodiscard]] SeriesEffect series_effect(const char* metric, const std::string& series, const std::string& reference,
                                         const MatchedLogs& pairs);

/// The effect of one level against the lowest.
using EffectAt = std::function<TemperatureEffect(double low, double high)>;
/// Each level against the lowest; verdicts after Holm's adjustment over the levels.
void append_temperature_effects(const std::string& series, const std::set<double>& levels, double margin,
                                std::vector<TemperatureEffect>& effects, const EffectAt& effect_at);

}  // namespace ifm
