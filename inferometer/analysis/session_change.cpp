#include "inferometer/analysis/session_change.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>

#include "inferometer/stats/describe.h"
#include "inferometer/stats/distribution.h"
#include "inferometer/stats/welch.h"

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
  bool by_block = false;               ///< blocks are many: they are its values
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
  side.by_block = side.block_residual.size() >= kManyBlocks;
  side.pace = stats::mean(side.block_pace).value_or(0);
  for (double& pace : side.block_pace) pace -= side.pace;
  return side;
}

/// A side's values once `following` of its blocks' paces is taken out of them: of blocks where these are many, else of runs.
std::vector<double> values_of(const Side& side, double following) {
  if (!side.by_block) return side.residuals;
  std::vector<double> left = side.block_residual;
  for (std::size_t i = 0; i < side.block_pace.size(); ++i) left[i] -= following * side.block_pace[i];
  return left;
}

/// How often the variance of a mean of neighbours is that of as many independent values. Both sessions together say how alike
/// neighbours are, because each alone says it badly; the correlation is then used as stats::time_structure() uses it.
double variance_factor(const std::vector<double>& a, const std::vector<double>& b) {
  constexpr std::size_t kLeast = 5;
  constexpr double kGain = 1.3;
  constexpr double kMost = 0.85;
  double sum = 0;
  double values = 0;
  for (const std::vector<double>* side : {&a, &b}) {
    const auto lag1 = stats::lag1_autocorrelation(*side);
    if (side->size() < kLeast || !lag1) continue;
    const auto n = static_cast<double>(side->size());
    sum += n * (*lag1 + 2 / n);
    values += n;
  }
  if (!(values > 0)) return 1;
  const double correlation = std::clamp(kGain * sum / values, 0.0, kMost);
  return (1 + correlation) / (1 - correlation);
}

/// Means of tenths of a session. A machine that is slower for minutes at a time shows in how they differ, and hardly in how alike
/// neighbours are. Empty of few values.
std::vector<double> tenths_of(const std::vector<double>& values) {
  constexpr std::size_t kTenths = 10;
  constexpr std::size_t kLeast = 4;  // values of each
  std::vector<double> means;
  if (values.size() < kTenths * kLeast) return means;
  for (std::size_t i = 0; i < kTenths; ++i) {
    const auto begin = values.begin() + static_cast<std::ptrdiff_t>(values.size() * i / kTenths);
    const auto end = values.begin() + static_cast<std::ptrdiff_t>(values.size() * (i + 1) / kTenths);
    means.push_back(*stats::mean(std::vector<double>(begin, end)));
  }
  return means;
}

/// variance_factor() of values and of tenths.
struct Factors {
  double of_values = 1;
  double of_tenths = 1;
};

/// The spread of a mean, or, where that is more, what tenths of the session say of it. factor: variance_factor() of tenths.
Spread or_of_tenths(const Spread& spread, const std::vector<double>& tenths, double factor) {
  if (tenths.empty()) return spread;
  const double sd = *stats::sd(tenths);
  const auto count = static_cast<double>(tenths.size());
  const Spread of_tenths{sd * sd / count * factor, std::max(1.0, (count - 1) / factor)};
  return of_tenths.variance > spread.variance ? of_tenths : spread;
}

/// Of a side's mean: as values differ, or as tenths of the session do, where that is more.
Spread spread_of(const Side& side, const std::vector<double>& values, const std::vector<double>& tenths, double following,
                 const Factors& factors) {
  double squares = 0;
  for (const double value : values) squares += value * value;
  const auto n = static_cast<double>(values.size());
  const double degrees_of_freedom = n - (side.by_block ? 1 : side.cells);
  Spread spread{squares / degrees_of_freedom / n * factors.of_values, std::max(1.0, degrees_of_freedom / factors.of_values)};
  spread = or_of_tenths(spread, tenths, factors.of_tenths);
  if (!side.by_block && side.block_pace.size() > 1) {
    const double sd = *stats::sd(side.block_pace);
    spread.variance += following * following * sd * sd / static_cast<double>(side.block_pace.size());
  }
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
  if (degrees < kLeastForSlope || !(xx > 0)) {
    // A few canaries say too little of the machine to be taken out, unless they show that it is another one.
    const auto shift = stats::welch_interval(then.block_pace, now.block_pace);  // about their means
    const double moved = now.pace - then.pace;
    return shift && std::fabs(moved) <= shift->high ? Interval{0, 0} : Interval{0, 1};
  }
  const double slope = xy / xx;
  const double error = std::sqrt(std::max(0.0, yy - slope * xy) / degrees / xx);
  const double half = stats::t_quantile(0.975, degrees) * error;
  return {std::clamp(slope - half, 0.0, 1.0), std::clamp(slope + half, 0.0, 1.0)};
}

/// How much longer some cells take than others.
struct Ratio {
  double log = 0;
  Spread spread;
  std::vector<double> tenths;  ///< what it differs by in tenths of the session
};

/// The ratio in each block that has both, about its mean over cells.
std::vector<double> ratio_by_block(const SessionTimes& times, const std::map<int, double>& means, const std::set<int>& above,
                                   const std::set<int>& below) {
  std::map<int, std::pair<std::vector<double>, std::vector<double>>> blocks;
  for (const CellTime& value : times.values) {
    const double residual = value.log - means.at(value.cell);
    if (above.contains(value.cell)) blocks[value.block].first.push_back(residual);
    if (below.contains(value.cell)) blocks[value.block].second.push_back(residual);
  }
  std::vector<double> ratios;
  for (const auto& [block, both] : blocks) {
    if (!both.first.empty() && !both.second.empty()) ratios.push_back(*stats::mean(both.first) - *stats::mean(both.second));
  }
  return ratios;
}

std::optional<Ratio> ratio_of(const SessionTimes& times, const std::set<int>& above, const std::set<int>& below) {
  std::map<int, std::vector<double>> cells;
  std::map<int, std::vector<double>> blocks;
  for (const CellTime& value : times.values) {
    if (above.contains(value.cell) || below.contains(value.cell)) cells[value.cell].push_back(value.log);
  }
  const std::map<int, double> means = cell_means(times.values);
  for (const CellTime& value : times.values) {
    if (cells.contains(value.cell)) blocks[value.block].push_back(value.log - means.at(value.cell));
  }
  Ratio ratio;
  double squares = 0;
  double values = 0;
  for (const auto& [block, residuals] : blocks) {
    squares += stats::sum_of_squares(residuals);
    values += static_cast<double>(residuals.size());
  }
  ratio.spread.degrees_of_freedom = values - static_cast<double>(cells.size() + blocks.size()) + 1;
  if (ratio.spread.degrees_of_freedom < 1) return std::nullopt;
  for (const auto* side : {&above, &below}) {
    double there = 0;
    for (const int cell : *side) there += cells.contains(cell) ? 1 : 0;
    if (there == 0) return std::nullopt;
    for (const int cell : *side) {
      const auto found = cells.find(cell);
      if (found == cells.end()) continue;
      ratio.log += (side == &above ? 1 : -1) * means.at(cell) / there;
      ratio.spread.variance +=
          squares / ratio.spread.degrees_of_freedom / static_cast<double>(found->second.size()) / (there * there);
    }
  }
  ratio.tenths = tenths_of(ratio_by_block(times, means, above, below));
  return ratio;
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
  found.interval = {INFINITY, -INFINITY};
  for (const double following : {found.following.low, found.following.high}) {
    const std::vector<double> before = values_of(*a, following);
    const std::vector<double> after = values_of(*b, following);
    const std::vector<double> tenths_before = tenths_of(before);
    const std::vector<double> tenths_after = tenths_of(after);
    const Factors factors{variance_factor(before, after), variance_factor(tenths_before, tenths_after)};
    const double half = half_width(together(spread_of(*a, before, tenths_before, following, factors),
                                            spread_of(*b, after, tenths_after, following, factors)),
                                   level);
    const double centre = found.change - following * found.pace_change;
    found.interval = {std::min(found.interval.low, centre - half), std::max(found.interval.high, centre + half)};
  }
  return found;
}

std::optional<RatioChange> ratio_change(const SessionTimes& then, const SessionTimes& now, const std::set<int>& above,
                                        const std::set<int>& below, double level) {
  const std::optional<Ratio> a = ratio_of(then, above, below);
  const std::optional<Ratio> b = ratio_of(now, above, below);
  if (!a || !b) return std::nullopt;
  const double change = b->log - a->log;
  const double factor = variance_factor(a->tenths, b->tenths);
  const double half =
      half_width(together(or_of_tenths(a->spread, a->tenths, factor), or_of_tenths(b->spread, b->tenths, factor)), level);
  return RatioChange{change, {change - half, change + half}};
}

}  // namespace ifm
