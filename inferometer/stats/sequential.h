#pragma once

#include <optional>
#include <span>
#include <vector>

#include "inferometer/stats/interval.h"
#include "inferometer/stats/time_structure.h"

/// Stopping early, only at looks that were planned, with an interval that still covers 95 % (METHOD 13; docs/coverage.md).
namespace ifm::stats {

/// When to stop. half_width: of the mean's interval, relative to the mean, > 0. min_runs ≥ 10; max_runs ≥ min_runs.
struct StopRule {
  double half_width = 0.01;
  int min_runs = 10;
  int max_runs = 100;
};

/// The numbers of runs at which to look: min_runs, then of 10, 15, 20, 30, 40, 60, 80, 120 … (each 1.33 or 1.5 times the one
/// before) those above it, and max_runs last.
/// @throws Error usage when a field is out of its range.
[[nodiscard]] std::vector<int> looks(const StopRule& rule);

/// What a look sees.
struct Look {
  std::optional<Interval> ci95;      ///< mean_interval_in_time of the values; null under kLeastForTime of them
  std::optional<double> half_width;  ///< of it, relative to the mean
  bool narrow = false;               ///< half_width is at most the rule's
  bool stop = false;                 ///< narrow now and at the look before: one lucky look does not end a session
};

/// values: what has been measured of one metric, in order of execution; before: the look before, null at the first. An interval
/// that ends a session because it is narrow tends to be one whose noise was underestimated; the second look, with a third to a
/// half more runs, and the variance factor make up for that, so `ci95` is to be reported as it is, and after the last look too.
[[nodiscard]] Look look_at(const StopRule& rule, std::span<const TimedValue> values, const std::optional<Look>& before);

}  // namespace ifm::stats
