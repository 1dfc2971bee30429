#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "inferometer/stats/interval.h"
#include "inferometer/stats/moments.h"

/// Intervals for values that were measured one after another, which a trend moves and of which neighbours may be alike.
namespace ifm::stats {

/// A value of a session, in order of execution.
struct TimedValue {
  double value = 0;
  int cell = 0;     ///< values of one cell share what was varied; differences between cells are the design's
  double time = 0;  ///< when it was measured, in any unit
};

/// Under this many values nobody can tell whether neighbours are alike, and an interval that takes them as independent covers
/// 65 to 70 % where they are (docs/coverage.md): there is none.
constexpr int kLeastForTime = 30;

/// What time does to the values of a session.
struct TimeStructure {
  int n = 0;
  int degrees_of_freedom = 0;  ///< n − cells − 1
  double slope = 0;            ///< relative change per unit of time inside cells, by least squares
  double trend_p = 1;          ///< two-sided t test that the slope is 0
  double correlation = 0;      ///< lag-1 of what cells and trend leave, corrected for its bias by + 2 / n
  double variance_factor = 1;  ///< how often the variance of a mean is that of as many independent values; ≥ 1
  bool drifts = false;         ///< trend_p < 0.05
  bool dependent = false;      ///< neighbours are alike: one-sided at 10 %, so rather too often than too seldom
};

/// values: of one metric in order of execution, every cell's mean > 0. The factor is that of an AR(1) process with
/// ρ = 1.3 · correlation, between 0 and 0.85: the gain makes up for ρ being an estimate (by simulation, bench/coverage.cpp).
/// Null under kLeastForTime values, without a repeat, or when all were measured at the same time.
[[nodiscard]] std::optional<TimeStructure> time_structure(std::span<const TimedValue> values);

/// Such values by columns of one length; cells are small numbers.
struct TimedColumns {
  std::span<const double> values;
  std::span<const uint32_t> cells;
  std::span<const double> times;
};
[[nodiscard]] std::optional<TimeStructure> time_structure(const TimedColumns& values);

/// t interval for the mean of a group of a session's values over the time of the session: from the variance about cells' means
/// and the session's trend, times its variance factor; degrees of freedom are those of the cells' pooled squares (Satterthwaite:
/// the longest answers have most of them), divided by the factor. Null when no cell of the group has two values.
[[nodiscard]] std::optional<Interval> mean_interval_in_time(std::span<const TimedValue> group, const TimeStructure& session,
                                                            double level = 0.95);

/// What of a cell's values such an interval needs, where the values are not kept. As with Moments, parts add up to the whole.
struct TimedMoments {
  Moments value, time;
  double products = 0;  ///< Σ (value − its mean) · (time − its mean)

  void merge(const TimedMoments& other);
};
/// values, times: of one length.
[[nodiscard]] TimedMoments timed_moments_of(std::span<const double> values, std::span<const double> times);
/// As above, but for rounding: of a group by its cells' moments.
[[nodiscard]] std::optional<Interval> mean_interval_in_time(std::span<const TimedMoments> cells, const TimeStructure& session,
                                                            double level = 0.95);

/// An interval of independent values made honest for neighbours that are alike: its distances from `centre`, which lies in it,
/// times √variance_factor.
[[nodiscard]] Interval stretched(const Interval& interval, double centre, const TimeStructure& session);

}  // namespace ifm::stats
