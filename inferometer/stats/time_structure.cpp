#include "inferometer/stats/time_structure.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "inferometer/stats/describe.h"
#include "inferometer/stats/distribution.h"

namespace ifm::stats {
namespace {

constexpr double kGain = 1.3;
constexpr double kMostCorrelation = 0.85;
constexpr double kLeastDegrees = 2;  ///< of a t quantile after division by the factor, where there were as many
constexpr double kTrendAlpha = 0.05;
constexpr double kDependenceAlpha = 0.10;
constexpr double kRounding = 1e-9;  ///< relative; a spread under it is that of the clock's nanoseconds

struct CellMean {
  double n = 0, value = 0, time = 0;
};

/// By the cells' numbers; n = 0 where a number has no value.
std::vector<CellMean> cell_means(const TimedColumns& columns) {
  std::vector<CellMean> means;
  for (size_t i = 0; i < columns.values.size(); ++i) {
    if (columns.cells[i] >= means.size()) means.resize(columns.cells[i] + size_t{1});
    CellMean& cell = means[columns.cells[i]];
    ++cell.n;
    cell.value += columns.values[i];
    cell.time += columns.times[i];
  }
  for (CellMean& cell : means) {
    if (cell.n == 0) continue;
    cell.value /= cell.n;
    cell.time /= cell.n;
  }
  return means;
}

/// Values of a session by columns, their cells numbered in order of appearance.
struct Columns {
  std::vector<double> values, times;
  std::vector<uint32_t> cells;
  [[nodiscard]] TimedColumns view() const { return {values, cells, times}; }
};

Columns columns_of(std::span<const TimedValue> values) {
  Columns columns;
  std::unordered_map<int, uint32_t> numbers;
  for (const TimedValue& v : values) {
    columns.values.push_back(v.value);
    columns.times.push_back(v.time);
    columns.cells.push_back(numbers.try_emplace(v.cell, static_cast<uint32_t>(numbers.size())).first->second);
  }
  return columns;
}

/// What is known of a group: squares about cells and trend, of so many degrees of freedom before the trend.
struct AboutTrend {
  double n = 0, mean = 0, squares = 0, degrees = 0;
  double fourth = 0;  ///< Σ over cells of squares² / (degrees + 2), which estimates Σ degrees · variance² without bias

  void add_cell(double cell_squares, double cell_degrees) {
    squares += cell_squares;
    degrees += cell_degrees;
    fourth += cell_squares * cell_squares / (cell_degrees + 2);
  }
  /// Degrees of freedom of the sum of squares: fewer than `degrees` when one cell has most of it (Satterthwaite 1946).
  [[nodiscard]] double effective_degrees() const { return fourth > 0 ? std::min(degrees, squares * squares / fourth) : degrees; }
};

Interval mean_interval(const AboutTrend& group, const TimeStructure& session, double level) {
  // The trend took one of the session's degrees of freedom: the group's share of it.
  const double share = session.degrees_of_freedom / (session.degrees_of_freedom + 1.0);
  const double variance = group.squares / (group.degrees * share) * session.variance_factor;
  const double known = group.effective_degrees() * share;
  const double effective = std::max(std::min(known, kLeastDegrees), known / session.variance_factor);
  const double half = t_quantile(0.5 + level / 2, effective) * std::sqrt(variance / group.n);
  return {group.mean - half, group.mean + half};
}

}  // namespace

void TimedMoments::merge(const TimedMoments& other) {
  if (other.value.n == 0) return;
  const auto before = static_cast<double>(value.n), added = static_cast<double>(other.value.n);
  products +=
      other.products + (other.value.mean - value.mean) * (other.time.mean - time.mean) * before * added / (before + added);
  value.merge(other.value);
  time.merge(other.time);
}

TimedMoments timed_moments_of(std::span<const double> values, std::span<const double> times) {
  TimedMoments moments{.value = moments_of(values), .time = moments_of(times)};
  for (size_t i = 0; i < values.size(); ++i)
    moments.products += (values[i] - moments.value.mean) * (times[i] - moments.time.mean);
  return moments;
}

std::optional<TimeStructure> time_structure(std::span<const TimedValue> values) {
  return time_structure(columns_of(values).view());
}

std::optional<TimeStructure> time_structure(const TimedColumns& columns) {
  const std::vector<CellMean> means = cell_means(columns);
  const auto cells = std::ranges::count_if(means, [](const CellMean& cell) { return cell.n > 0; });
  TimeStructure found;
  found.n = static_cast<int>(columns.values.size());
  found.degrees_of_freedom = found.n - static_cast<int>(cells) - 1;
  if (found.n < kLeastForTime || found.degrees_of_freedom < 1) return std::nullopt;
  if (std::ranges::any_of(means, [](const CellMean& cell) { return cell.n > 0 && !(cell.value > 0); })) return std::nullopt;
  std::vector<double> relative(columns.values.size());
  double products = 0, squares = 0;
  for (size_t i = 0; i < relative.size(); ++i) {
    const CellMean& cell = means[columns.cells[i]];
    const double time = columns.times[i] - cell.time;
    relative[i] = columns.values[i] / cell.value - 1;
    products += relative[i] * time;
    squares += time * time;
  }
  if (!(squares > 0)) return std::nullopt;
  found.slope = products / squares;
  for (size_t i = 0; i < relative.size(); ++i) relative[i] -= found.slope * (columns.times[i] - means[columns.cells[i]].time);
  const auto n = static_cast<double>(found.n);
  const NeighbourSums left = neighbour_sums(relative);
  const double variance = left.squares / found.degrees_of_freedom;
  if (variance <= kRounding * kRounding) {
    found.trend_p = std::abs(found.slope) * std::sqrt(squares / n) > kRounding ? 0 : 1;
  } else {
    found.trend_p = t_two_sided_p(found.slope / std::sqrt(variance / squares), found.degrees_of_freedom);
    found.correlation = left.products / left.squares + 2 / n;
    const double rho = std::clamp(kGain * found.correlation, 0.0, kMostCorrelation);
    found.variance_factor = (1 + rho) / (1 - rho);
  }
  found.drifts = found.trend_p < kTrendAlpha;
  found.dependent = found.correlation * std::sqrt(n) > normal_quantile(1 - kDependenceAlpha);
  return found;
}

std::optional<Interval> mean_interval_in_time(std::span<const TimedValue> group, const TimeStructure& session, double level) {
  const Columns columns = columns_of(group);
  const std::vector<CellMean> means = cell_means(columns.view());
  if (group.size() <= means.size()) return std::nullopt;
  std::vector<std::vector<double>> squares(means.size());
  for (size_t i = 0; i < group.size(); ++i) {
    const CellMean& cell = means[columns.cells[i]];
    const double trend = 1 + session.slope * (group[i].time - cell.time);
    squares[columns.cells[i]].push_back(std::pow(group[i].value - cell.value * trend, 2));
  }
  AboutTrend about{.n = static_cast<double>(group.size()), .mean = *mean(columns.values)};
  for (const std::vector<double>& of_cell : squares) about.add_cell(sum(of_cell), static_cast<double>(of_cell.size()) - 1);
  return mean_interval(about, session, level);
}

std::optional<Interval> mean_interval_in_time(std::span<const TimedMoments> cells, const TimeStructure& session, double level) {
  AboutTrend group;
  Moments all;
  for (const TimedMoments& cell : cells) {
    if (cell.value.n == 0) continue;
    all.merge(cell.value);
    const double slope = cell.value.mean * session.slope;
    group.add_cell(std::max(0.0, cell.value.squares - 2 * slope * cell.products + slope * slope * cell.time.squares),
                   static_cast<double>(cell.value.n - 1));
  }
  if (group.degrees < 1) return std::nullopt;
  group.n = static_cast<double>(all.n);
  group.mean = all.mean;
  return mean_interval(group, session, level);
}

Interval stretched(const Interval& interval, double centre, const TimeStructure& session) {
  const double stretch = std::sqrt(session.variance_factor);
  return {centre - stretch * (centre - interval.low), centre + stretch * (interval.high - centre)};
}

}  // namespace ifm::stats
