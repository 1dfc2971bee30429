#include "inferometer/analysis/session_change.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "inferometer/stats/describe.h"
#include "inferometer/stats/distribution.h"
#include "inferometer/stats/effective.h"

namespace ifm {
namespace {

/// Of each session: from so many blocks on, blocks are the values whose spread is looked at, not runs.
constexpr std::size_t kManyBlocks = 10;
/// Residual degrees of freedom from which on a slope over blocks says more than "between 0 and 1".
constexpr int kLeastForSlope = 5;

/// A mean, and how well it is known.
struct Spread {
  double variance = 0;
  double degrees_of_freedom = 1;
};

/// What one session's values are about their cells' means.
struct Side {
  double mean = 0;  ///< over cells, each as much as any other
  int cells = 0;
  std::vector<double> residuals;       ///< of runs, in execution order
  bool by_block = false;               ///< blocks differ by more than their runs explain, or are many: they are its values
  std::vector<double> block_residual;  ///< means by block, in order; of blocks with a pace, where the session has paces
  std::vector<double> block_pace;      ///< as many, about their mean; empty without paces
  double pace = 0;                     ///< that mean
};

std::map<int, double> cell_means(const std::vector<CellTime>& values) {
  std::map<int, std::vector<double>> by_cell;
  for (const CellTime& value : values) by_cell[value.cell].push_back(value.log);
  std::map<int, double> means;
  for (const auto& [cell, logs] : by_cell) means[cell] = *stats::mean(logs);
  return means;
}

/// Whether means of blocks differ by more than what varies inside them (F test at 5 %).
bool blocks_differ(const std::map<int, std::vector<double>>& by_block, int cells) {
  double between = 0;
  double within = 0;
  std::size_t n = 0;
  for (const auto& [block, residuals] : by_block) {
    const double mean = *stats::mean(residuals);
    between += static_cast<double>(residuals.size()) * mean * mean;
    within += stats::sum_of_squares(residuals);
    n += residuals.size();
  }
  const double blocks = static_cast<double>(by_block.size()) - 1;
  const double left = static_cast<double>(n) - cells - blocks;
  if (blocks < 1 || left < 1 || !(within > 0)) return false;
  return stats::f_upper_p(between / blocks / (within / left), blocks, left) < 0.05;
}

std::optional<Side> side_of(const SessionTimes& times, const std::set<int>& cells) {
  const std::map<int, double> means = cell_means(times.values);
  Side side;
  for (const int cell : cells) side.mean += means.at(cell) / static_cast<double>(cells.size());
  side.cells = static_cast<int>(cells.size());
  std::map<int, std::vector<double>> by_block;
  for (const CellTime& value : times.values) {
    if (!cells.contains(value.cell)) continue;
    side.residuals.push_back(value.log - means.at(value.cell));
    by_block[value.block].push_back(side.residuals.back());
  }
  if (static_cast<int>(side.residuals.size()) <= side.cells) return std::nullopt;
  for (const auto& [block, residuals] : by_block) {
    const auto pace = times.paces.find(block);
    if (!times.paces.empty() && pace == times.paces.end()) continue;
    side.block_residual.push_back(*stats::mean(residuals));
    if (pace != times.paces.end()) side.block_pace.push_back(pace->second);
  }
  side.by_block =
      side.block_residual.size() >= kManyBlocks || (side.block_residual.size() > 1 && blocks_differ(by_block, side.cells));
  side.pace = stats::mean(side.block_pace).value_or(0);
  for (double& pace : side.block_pace) pace -= side.pace;
  return side;
}

/// How often the variance of a mean of neighbours is that of as many independent values.
double variance_factor(const std::vector<double>& in_order) {
  const auto effective = stats::effective_size(in_order);
  return effective ? static_cast<double>(in_order.size()) / effective->size : 1;
}

/// Of the mean of values that are residuals with so many degrees of freedom.
Spread spread_of(const std::vector<double>& residuals, double degrees_of_freedom) {
  double squares = 0;
  for (const double r : residuals) squares += r * r;
  const double factor = variance_factor(residuals);
  return {squares / degrees_of_freedom / static_cast<double>(residuals.size()) * factor,
          std::max(1.0, degrees_of_freedom / factor)};
}

/// Of a session's mean, once `following` of its blocks' paces is taken out of it.
Spread spread_of(const Side& side, double following) {
  if (side.by_block) {
    std::vector<double> left = side.block_residual;
    for (std::size_t i = 0; i < side.block_pace.size(); ++i) left[i] -= following * side.block_pace[i];
    return spread_of(left, static_cast<double>(left.size() - 1));
  }
  Spread spread = spread_of(side.residuals, static_cast<double>(side.residuals.size()) - side.cells);
  const double sd = stats::sd(side.block_pace).value_or(0);
  spread.variance += following * following * sd * sd / static_cast<double>(std::max<std::size_t>(1, side.block_pace.size()));
  return spread;
}

Spread together(const Spread& a, const Spread& b) {
  const double variance = a.variance + b.variance;
  if (!(variance > 0)) return {0, 1};
  return {variance, variance * variance /
                        (a.variance * a.variance / a.degrees_of_freedom + b.variance * b.variance / b.degrees_of_freedom)};
}

double half_width(const Spread& spread, double level) {
  if (!(spread.variance > 0)) return 0;
  return stats::t_quantile(1 - (1 - level) / 2, spread.degrees_of_freedom) * std::sqrt(spread.variance);
}

/// How much of the canary's changes the values followed inside both sessions, at 95 %.
Interval following_of(const Side& then, const Side& now) {
  if (then.block_pace.empty() || now.block_pace.empty()) return {0, 0};
  double xx = 0;
  double xy = 0;
  double yy = 0;
  for (const Side* side : {&then, &now}) {
    for (std::size_t i = 0; i < side->block_pace.size(); ++i) {
      xx += side->block_pace[i] * side->block_pace[i];
      xy += side->block_pace[i] * side->block_residual[i];
      yy += side->block_residual[i] * side->block_residual[i];
    }
  }
  const int degrees = static_cast<int>(then.block_pace.size() + now.block_pace.size()) - 3;
  if (degrees < kLeastForSlope || !(xx > 0)) return {0, 1};
  const double slope = xy / xx;
  const double error = std::sqrt(std::max(0.0, yy - slope * xy) / degrees / xx);
  const double half = stats::t_quantile(0.975, degrees) * error;
  return {std::clamp(slope - half, 0.0, 1.0), std::clamp(slope + half, 0.0, 1.0)};
}

}  // namespace

BlockPaces block_paces(const std::vector<BlockRecord>& blocks) {
  std::map<int, std::vector<double>> logs;
  for (const BlockRecord& block : blocks) {
    if (!block.canary_compute_ns || !block.canary_read_ns || *block.canary_compute_ns <= 0 || *block.canary_read_ns <= 0)
      continue;
    logs[block.block].push_back(
        (std::log(static_cast<double>(*block.canary_compute_ns)) + std::log(static_cast<double>(*block.canary_read_ns))) / 2);
  }
  BlockPaces paces;
  for (const auto& [block, of_block] : logs) paces[block] = *stats::mean(of_block);
  return paces;
}

std::optional<SessionChange> session_change(const SessionTimes& then, const SessionTimes& now, double level) {
  std::set<int> cells;
  const std::map<int, double> means_now = cell_means(now.values);
  for (const auto& [cell, mean] : cell_means(then.values)) {
    if (means_now.contains(cell)) cells.insert(cell);
  }
  if (cells.empty()) return std::nullopt;
  const std::optional<Side> a = side_of(then, cells);
  const std::optional<Side> b = side_of(now, cells);
  if (!a || !b) return std::nullopt;
  SessionChange found;
  found.change = b->mean - a->mean;
  found.following = following_of(*a, *b);
  found.pace_change = a->block_pace.empty() || b->block_pace.empty() ? 0 : b->pace - a->pace;
  const Spread as_measured = together(spread_of(*a, 0), spread_of(*b, 0));
  found.variance = as_measured.variance;
  found.degrees_of_freedom = as_measured.degrees_of_freedom;
  found.interval = {INFINITY, -INFINITY};
  for (const double following : {found.following.low, found.following.high}) {
    const double half = half_width(together(spread_of(*a, following), spread_of(*b, following)), level);
    const double centre = found.change - following * found.pace_change;
    found.interval = {std::min(found.interval.low, centre - half), std::max(found.interval.high, centre + half)};
  }
  return found;
}

double half_width_of_difference(const SessionChange& a, const SessionChange& b, double level) {
  return half_width(together({a.variance, a.degrees_of_freedom}, {b.variance, b.degrees_of_freedom}), level);
}

}  // namespace ifm
