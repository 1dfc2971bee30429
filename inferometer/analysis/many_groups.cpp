#include <algorithm>
#include <cmath>
#include <future>
#include <utility>

#include "inferometer/analysis/groups.h"
#include "inferometer/analysis/many_runs.h"
#include "inferometer/stats/distribution.h"
#include "inferometer/stats/order_ranks.h"
#include "inferometer/stats/sorted_parts.h"

namespace ifm {
namespace {

/// Moments of each cell of a group.
using CellMoments = std::map<int, stats::Moments>;

/// What is inside the cells, beside their means.
struct Within {
  double squares = 0;
  int64_t degrees_of_freedom = 0;
  [[nodiscard]] double sd() const { return std::sqrt(squares / static_cast<double>(degrees_of_freedom)); }
};

Within within(const CellMoments& cells) {
  Within result;
  for (const auto& [cell, moments] : cells) {
    if (moments.n == 0) continue;
    result.squares += moments.squares;
    result.degrees_of_freedom += moments.n - 1;
  }
  return result;
}

/// A representative's id is its part's number.
std::vector<int> parts_of(const std::vector<const Run*>& runs) {
  std::vector<int> parts;
  for (const Run* run : runs) parts.push_back(static_cast<int>(run->id));
  return parts;
}

void fill_intervals(MetricSummary& summary, const stats::SortedParts& values) {
  if (const auto ranks = stats::median_ranks(summary.n)) {
    const auto depth = static_cast<size_t>(ranks->depth);
    const double w = ranks->inner_weight;
    const auto between = [&](size_t outer, size_t inner) { return (1 - w) * values.at(outer) + w * values.at(inner); };
    summary.median_ci95 = Interval{between(depth - 1, depth), between(values.size() - depth, values.size() - depth - 1)};
  }
  if (const auto ranks = stats::quantile_ranks(summary.n, 0.9)) {
    summary.p90_ci95 = Interval{values.at(static_cast<size_t>(ranks->low)), values.at(static_cast<size_t>(ranks->high))};
    summary.p90 = values.quantile(0.9);
  }
}

}  // namespace

PartValues::PartValues(const RunTable& table, const std::vector<std::vector<uint32_t>>& rows_by_part)
    : table_(table), values_(rows_by_part.size()) {
  for (size_t part = 0; part < rows_by_part.size(); ++part) {
    for (Values& values : values_[part]) values.sorted.reserve(rows_by_part[part].size());
    for (const uint32_t row : rows_by_part[part]) {  // a row's metrics stand together, so that it is fetched once
      for (size_t m = 0; m < kGroupMetrics.size(); ++m) {
        const double x = table.rows()[row].metrics[m];
        if (!std::isnan(x)) values_[part][m].sorted.push_back(x);
      }
    }
    for (Values& values : values_[part]) fill(values);
  }
}

void PartValues::fill(Values& values) {
  std::sort(values.sorted.begin(), values.sorted.end());
  values.plain = stats::moments_of(values.sorted);
  values.positive = values.sorted.empty() || values.sorted.front() > 0;
  if (!values.positive) return;
  std::vector<double> logs;
  logs.reserve(values.sorted.size());
  for (const double x : values.sorted) logs.push_back(std::log(x));
  values.logs = stats::moments_of(logs);
}

MetricSummary PartValues::summarize(size_t metric, const std::vector<int>& parts) const {
  stats::Moments all;
  CellMoments cells, logs;
  bool positive = true;
  std::vector<std::span<const double>> sorted;
  for (const int part : parts) {
    const Values& values = values_[static_cast<size_t>(part)][metric];
    const int cell = table_.parts()[static_cast<size_t>(part)].levels.cell;
    all.merge(values.plain);
    cells[cell].merge(values.plain);
    logs[cell].merge(values.logs);
    positive = positive && values.positive;
    sorted.emplace_back(values.sorted);
  }
  MetricSummary summary;
  summary.n = static_cast<int>(all.n);
  if (all.n == 0) return summary;
  const stats::SortedParts order(std::move(sorted));
  summary.mean = all.mean;
  summary.sd = all.sd();
  summary.min = order.at(0);
  summary.median = order.quantile(0.5);
  summary.max = order.at(order.size() - 1);
  fill_intervals(summary, order);
  const Within inside = within(cells);
  if (inside.degrees_of_freedom < 1) return summary;
  summary.sd_within = inside.sd();
  const double half = stats::t_quantile(0.975, static_cast<double>(inside.degrees_of_freedom)) * inside.sd() /
                      std::sqrt(static_cast<double>(all.n));
  summary.ci95 = Interval{all.mean - half, all.mean + half};
  if (positive) {
    const Within of_logs = within(logs);
    set_relative_spread({of_logs.sd(), static_cast<int>(of_logs.degrees_of_freedom), summary.n}, summary);
  }
  return summary;
}

Group PartValues::group(std::string label, std::map<std::string, std::string> keys, const std::vector<int>& parts) const {
  Group group;
  group.label = std::move(label);
  group.keys = std::move(keys);
  double tokens = 0;
  double seconds = 0;
  for (const int index : parts) {
    const RunTable::Part& part = table_.parts()[static_cast<size_t>(index)];
    group.runs_ok += part.runs_ok;
    group.runs_failed += part.runs_failed;
    if (part.flagged) group.runs_flagged += part.runs_ok + part.runs_failed;
    tokens += part.rated_tokens;
    seconds += part.rated_seconds;
  }
  for (size_t m = 0; m < kGroupMetrics.size(); ++m) group.*kGroupMetrics[m].summary = summarize(m, parts);
  if (seconds > 0) group.total_tok_per_s = tokens / seconds;
  return group;
}

void fill_groups_of_many(Study& study, const RunTable& table, const PartValues& values) {
  const std::vector<const Run*> runs = table.levels();
  fill_groups(study, runs, [&](std::string label, std::map<std::string, std::string> keys, const std::vector<const Run*>& of) {
    return values.group(std::move(label), std::move(keys), parts_of(of));
  });
  if (table.flags().empty()) return;
  std::vector<int> unflagged;
  for (size_t part = 0; part < table.parts().size(); ++part)
    if (!table.parts()[part].flagged) unflagged.push_back(static_cast<int>(part));
  for (const auto& [flag, count] : table.flags()) study.flags.push_back({flag, count});
  std::stable_sort(study.flags.begin(), study.flags.end(),
                   [](const FlagCount& a, const FlagCount& b) { return a.runs > b.runs; });
  study.overall_unflagged = values.group("unflagged runs", {}, unflagged);
}

void fill_study_of_many(Study& study, const RunTable& table) {
  const std::vector<std::vector<uint32_t>> rows = table.rows_by_part();
  // Groups need every metric sorted, the rest does not: two threads take about as long each.
  std::future<PartValues> sorting = std::async(std::launch::async, [&] { return PartValues(table, rows); });
  fill_scaling_of_many(study, table, rows);
  fill_pairs_of_many(study, table, rows);
  fill_variance_of_many(study, table);
  fill_drift_of_many(study, table, rows);
  fill_determinism_of_many(study, table);
  fill_groups_of_many(study, table, sorting.get());
}

}  // namespace ifm
