#include <algorithm>
#include <cmath>
#include <future>
#include <map>
#include <span>
#include <utility>

#include "inferometer/analysis/effects.h"
#include "inferometer/analysis/groups.h"
#include "inferometer/analysis/many_runs.h"
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

std::optional<Interval> median_interval(const stats::SortedParts& values) {
  const auto ranks = stats::median_ranks(static_cast<int>(values.size()));
  if (!ranks) return std::nullopt;
  const auto depth = static_cast<size_t>(ranks->depth);
  const double w = ranks->inner_weight;
  const auto between = [&](size_t outer, size_t inner) { return (1 - w) * values.at(outer) + w * values.at(inner); };
  return Interval{between(depth - 1, depth), between(values.size() - depth, values.size() - depth - 1)};
}

std::optional<Interval> p90_interval(const stats::SortedParts& values) {
  const auto ranks = stats::quantile_ranks(static_cast<int>(values.size()), 0.9);
  if (!ranks) return std::nullopt;
  return Interval{values.at(static_cast<size_t>(ranks->low)), values.at(static_cast<size_t>(ranks->high))};
}

std::optional<Interval> mean_interval(const std::map<int, stats::TimedMoments>& cells, const stats::TimeStructure& session) {
  std::vector<stats::TimedMoments> moments;
  for (const auto& [cell, of_cell] : cells) moments.push_back(of_cell);
  return stats::mean_interval_in_time(moments, session);
}

std::vector<int> unflagged_parts(const RunTable& table) {
  std::vector<int> unflagged;
  for (size_t part = 0; part < table.parts().size(); ++part)
    if (!table.parts()[part].flagged) unflagged.push_back(static_cast<int>(part));
  return unflagged;
}

SessionTime session_time(const RunTable& table, const std::vector<int>& parts) {
  SessionTime session;
  for (size_t m = 0; m < kGroupMetrics.size(); ++m) session[m] = time_of_parts(table, m, parts);
  return session;
}

}  // namespace

EffectLogs effect_logs(const RunTable& table) {
  EffectLogs logs;
  for (size_t m = 0; m < logs.size(); ++m) {
    const std::vector<double>& values = table.columns().metrics[m];
    logs[m].resize(values.size());
    std::ranges::transform(values, logs[m].begin(), [](double x) {
      return std::isnan(x) ? kNoValue : x > 0 ? std::log(x) : kNoLog;
    });
  }
  return logs;
}

std::vector<uint32_t> first_alike(const RunTable& table) {
  std::vector<uint32_t> alike;
  const std::vector<RunTable::Part>& parts = table.parts();
  for (const RunTable::Part& part : parts) {
    uint32_t first = 0;
    while (!same_levels(parts[first].levels, part.levels)) ++first;
    alike.push_back(first);
  }
  return alike;
}

std::vector<uint32_t> cell_numbers(const RunTable& table) {
  std::map<int, uint32_t> numbers;
  std::vector<uint32_t> of_part;
  for (const RunTable::Part& part : table.parts())
    of_part.push_back(numbers.try_emplace(part.levels.cell, static_cast<uint32_t>(numbers.size())).first->second);
  return of_part;
}

std::vector<uint32_t> by_row(const RunTable& table, const std::vector<uint32_t>& of_part) {
  std::vector<uint32_t> of_row(table.timed());
  std::ranges::transform(table.columns().part, of_row.begin(), [&](uint32_t part) { return of_part[part]; });
  return of_row;
}

std::vector<int> parts_of(const std::vector<const Run*>& runs) {
  std::vector<int> parts;
  for (const Run* run : runs) parts.push_back(static_cast<int>(run->id));
  return parts;
}

MetricTime time_of_parts(const RunTable& table, size_t metric, const std::vector<int>& parts) {
  const RunTable::Columns& columns = table.columns();
  const std::vector<uint32_t> cell_of_part = cell_numbers(table);
  std::vector<bool> wanted(table.parts().size());
  for (const int part : parts) wanted[static_cast<size_t>(part)] = true;
  std::vector<double> values(table.timed()), times(table.timed());
  std::vector<uint32_t> cells(table.timed());
  size_t n = 0;
  for (size_t row = 0; row < table.timed(); ++row) {
    const uint32_t part = columns.part[row];
    const double x = columns.metrics[metric][row];
    if (!wanted[part] || std::isnan(x)) continue;
    values[n] = x;
    times[n] = columns.start_h[row];
    cells[n++] = cell_of_part[part];
  }
  return stats::time_structure({std::span(values).first(n), std::span(cells).first(n), std::span(times).first(n)});
}

PartValues::PartValues(const RunTable& table, const RowGroups& by_part) : table_(table), values_(by_part.size()) {
  std::vector<double> times = by_part.together(table.columns().start_h);
  for (size_t m = 0; m < kGroupMetrics.size(); ++m) {
    columns_[m] = by_part.together(table.columns().metrics[m]);
    for (size_t part = 0; part < by_part.size(); ++part)
      values_[part][m] = known_values(by_part.of(std::span(columns_[m]), part), by_part.of(std::span<const double>(times), part));
  }
}

/// values: are sorted in place, those that are known first.
PartValues::Values PartValues::known_values(std::span<double> values, std::span<const double> times) {
  std::vector<double> known_times;
  if (std::ranges::any_of(values, [](double x) { return std::isnan(x); })) {
    size_t known = 0;
    for (size_t i = 0; i < values.size(); ++i) {
      if (std::isnan(values[i])) continue;
      values[known++] = values[i];
      known_times.push_back(times[i]);
    }
    values = values.first(known);
    times = known_times;
  }
  Values result{.sorted = values, .logs = {}, .timed = stats::timed_moments_of(values, times)};
  std::ranges::sort(values);
  result.positive = values.empty() || values.front() > 0;
  if (!result.positive) return result;
  std::vector<double> logs(values.size());
  std::ranges::transform(values, logs.begin(), [](double x) { return std::log(x); });
  result.logs = stats::moments_of(logs);
  return result;
}

MetricSummary PartValues::summarize(size_t metric, const std::vector<int>& parts, const MetricTime& session) const {
  stats::Moments all;
  CellMoments cells, logs;
  std::map<int, stats::TimedMoments> timed;
  bool positive = true;
  std::vector<std::span<const double>> sorted;
  for (const int part : parts) {
    const Values& values = values_[static_cast<size_t>(part)][metric];
    const int cell = table_.parts()[static_cast<size_t>(part)].levels.cell;
    all.merge(values.timed.value);
    cells[cell].merge(values.timed.value);
    logs[cell].merge(values.logs);
    timed[cell].merge(values.timed);
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
  const Within inside = within(cells);
  set_intervals(summary,
                printed_mean(summary.n, inside.degrees_of_freedom > 0, session, [&] { return mean_interval(timed, *session); }),
                printed_median(median_interval(order), *summary.median, session), printed_p90(p90_interval(order), session));
  if (summary.p90_ci95) summary.p90 = order.quantile(0.9);
  if (inside.degrees_of_freedom < 1) return summary;
  summary.sd_within = inside.sd();
  if (positive) {
    const Within of_logs = within(logs);
    set_relative_spread({of_logs.sd(), static_cast<int>(of_logs.degrees_of_freedom), summary.n}, summary);
  }
  return summary;
}

Group PartValues::group(std::string label, std::map<std::string, std::string> keys, const std::vector<int>& parts,
                        const SessionTime& session) const {
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
  for (size_t m = 0; m < kGroupMetrics.size(); ++m) group.*kGroupMetrics[m].summary = summarize(m, parts, session[m]);
  if (seconds > 0) group.total_tok_per_s = tokens / seconds;
  return group;
}

void fill_groups_of_many(Study& study, const RunTable& table, const GroupParts& of_groups) {
  const std::vector<const Run*> runs = table.levels();
  fill_groups(study, runs, [&](std::string label, std::map<std::string, std::string> keys, const std::vector<const Run*>& of) {
    return of_groups.values.group(std::move(label), std::move(keys), parts_of(of), of_groups.session);
  });
  if (table.flags().empty()) return;
  set_flags(study, table.flags());
  study.unflagged_latency_s = of_groups.values.summarize(kLatency, unflagged_parts(table), of_groups.unflagged_latency);
}

GroupParts group_parts(const RunTable& table, const RowGroups& by_part) {
  GroupParts parts{
      .values = PartValues(table, by_part), .session = session_time(table, parts_of(table.levels())), .unflagged_latency = {}};
  if (!table.flags().empty()) parts.unflagged_latency = time_of_parts(table, kLatency, unflagged_parts(table));
  return parts;
}

void fill_study_of_many(Study& study, const RunTable& table) {
  const RowGroups by_part(table.columns().part, table.parts().size());
  // What groups need of every metric, and the rest: two threads take about as long each.
  std::future<GroupParts> of_groups = std::async(std::launch::async, [&] { return group_parts(table, by_part); });
  const EffectLogs logs = effect_logs(table);
  fill_scaling_of_many(study, table, by_part);
  fill_pairs_of_many(study, table, logs);
  fill_variance_of_many(study, table, logs);
  fill_drift_of_many(study, table, logs[kLatency]);
  fill_determinism_of_many(study, table);
  fill_groups_of_many(study, table, of_groups.get());
}

}  // namespace ifm
