#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <set>
#include <string_view>
#include <utility>

#include "inferometer/analysis/groups.h"
#include "inferometer/analysis/many_runs.h"
#include "inferometer/analysis/temperature.h"

namespace ifm {
namespace {

using RowsByPart = std::vector<std::vector<uint32_t>>;
constexpr size_t kMetrics = 4;  ///< effect_metrics(), which the table's first ones are

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();        ///< a metric that a run has not
constexpr double kNotPositive = std::numeric_limits<double>::infinity();  ///< one without a log

/// What of a run is compared with another's.
struct MatchedRow {
  int repeat = 0;
  int output_tokens = 0;
  std::array<double, kMetrics> logs{};
};

/// All runs with the same levels, by rising repeat. They stand together: a table's rows lie in order of execution, so that those
/// of one level are far from each other.
struct LevelRows {
  const Run* levels;
  std::vector<MatchedRow> rows;
};

std::vector<LevelRows> level_rows(const RunTable& table, const RowsByPart& rows) {
  std::vector<LevelRows> all;
  std::vector<size_t> level_of_part;
  for (size_t part = 0; part < rows.size(); ++part) {
    const Run& levels = table.parts()[part].levels;
    auto found = std::ranges::find_if(all, [&](const LevelRows& other) { return same_levels(*other.levels, levels); });
    if (found == all.end()) found = all.insert(all.end(), {&levels, {}});
    level_of_part.push_back(static_cast<size_t>(found - all.begin()));
    found->rows.reserve(found->rows.size() + rows[part].size());
  }
  for (const RunTable::Row& row : table.rows()) {
    MatchedRow& matched = all[level_of_part[static_cast<size_t>(row.part)]].rows.emplace_back();
    matched.repeat = row.repeat;
    matched.output_tokens = row.output_tokens;
    for (size_t m = 0; m < kMetrics; ++m) {
      const double x = row.metrics[m];
      matched.logs[m] = std::isnan(x) ? kNone : x > 0 ? std::log(x) : kNotPositive;
    }
  }
  for (LevelRows& of_levels : all) {
    if (!std::ranges::is_sorted(of_levels.rows, {}, &MatchedRow::repeat))
      std::ranges::stable_sort(of_levels.rows, {}, &MatchedRow::repeat);
  }
  return all;
}

/// What the matched runs of two levels say of each metric.
using Matches = std::array<MatchedLogs, kMetrics>;

void merge(Matches& into, const Matches& other) {
  for (size_t m = 0; m < kMetrics; ++m) into[m].merge(other[m]);
}

/// Runs of the same repeat; of several on the high side the first counts.
Matches match(const std::vector<MatchedRow>& low, const std::vector<MatchedRow>& high) {
  Matches matches;
  std::array<std::vector<double>, kMetrics> logs;
  for (std::vector<double>& of_metric : logs) of_metric.reserve(low.size());
  size_t next = 0;
  for (const MatchedRow& a : low) {
    while (next < high.size() && high[next].repeat < a.repeat) ++next;
    if (next == high.size()) break;
    const MatchedRow& b = high[next];
    if (b.repeat != a.repeat) continue;
    for (size_t m = 0; m < kMetrics; ++m) {
      if (std::isnan(a.logs[m]) || std::isnan(b.logs[m])) continue;
      matches[m].lengths_equal = matches[m].lengths_equal && a.output_tokens == b.output_tokens;
      matches[m].positive = matches[m].positive && a.logs[m] != kNotPositive && b.logs[m] != kNotPositive;
      logs[m].push_back(matches[m].positive ? b.logs[m] - a.logs[m] : 0);
    }
  }
  for (size_t m = 0; m < kMetrics; ++m) matches[m].logs = stats::moments_of(logs[m]);
  return matches;
}

bool same_series(const Run& a, const Run& b) { return a.mode == b.mode && a.engine == b.engine && a.model == b.model; }

/// By the higher temperature: runs against those at `low`.
using ByTemperature = std::map<double, Matches>;

ByTemperature against_lowest(const std::vector<LevelRows>& all, const Series& series, double low) {
  ByTemperature effects;
  for (const LevelRows& a : all) {
    if (a.levels->temperature != low || !same_series(*a.levels, *series.runs.front())) continue;
    for (const LevelRows& b : all) {
      if (b.levels->temperature == low || !same_series(*a.levels, *b.levels) || a.levels->prompt != b.levels->prompt ||
          a.levels->max_tokens != b.levels->max_tokens)
        continue;
      merge(effects[b.levels->temperature], match(a.rows, b.rows));
    }
  }
  return effects;
}

std::set<double> temperatures_of(const std::vector<const Run*>& runs) {
  std::set<double> levels;
  for (const Run* run : runs) levels.insert(run->temperature);
  return levels;
}

void append_effects(Study& study, const std::string& series, const std::set<double>& levels, const ByTemperature& effects) {
  const double margin = study.session.plan.equivalence_margin;
  for (size_t m = 0; m < kMetrics; ++m) {
    const char* name = effect_metrics()[m].name;
    append_temperature_effects(series, levels, margin, study.temperature, [&](double low, double high) {
      const auto found = effects.find(high);
      return temperature_effect(name, low, high, found == effects.end() ? MatchedLogs{} : found->second[m]);
    });
  }
}

void fill_temperatures(Study& study, const std::vector<LevelRows>& all, const std::vector<Series>& series) {
  std::vector<const Run*> runs;
  for (const LevelRows& levels : all) runs.push_back(levels.levels);
  const std::set<double> levels = temperatures_of(runs);
  ByTemperature overall;
  std::vector<ByTemperature> each;
  for (const Series& one : series) {
    // Over all series the lowest temperature of all counts, in a series its own: mostly the same.
    const double own = *temperatures_of(one.runs).begin();
    each.push_back(against_lowest(all, one, own));
    for (const auto& [high, matches] : own == *levels.begin() ? each.back() : against_lowest(all, one, *levels.begin()))
      merge(overall[high], matches);
  }
  append_effects(study, "", levels, overall);
  if (series.size() < 2) return;
  for (size_t i = 0; i < series.size(); ++i) append_effects(study, series[i].label, temperatures_of(series[i].runs), each[i]);
}

}  // namespace

void fill_pairs_of_many(Study& study, const RunTable& table, const RowsByPart& rows) {
  const std::vector<LevelRows> all = level_rows(table, rows);
  if (all.empty()) return;
  const std::vector<Series> series = series_of(table.levels());
  fill_temperatures(study, all, series);
  for (size_t i = 1; i < series.size(); ++i) {
    Matches matches;
    for (const LevelRows& a : all) {
      if (!same_series(*a.levels, *series[0].runs.front())) continue;
      for (const LevelRows& b : all) {
        if (same_series(*b.levels, *series[i].runs.front()) && a.levels->prompt == b.levels->prompt &&
            a.levels->max_tokens == b.levels->max_tokens && a.levels->temperature == b.levels->temperature)
          merge(matches, match(a.rows, b.rows));
      }
    }
    for (size_t m = 0; m < kMetrics; ++m)
      study.series_effects.push_back(series_effect(effect_metrics()[m].name, series[i].label, series[0].label, matches[m]));
  }
}

}  // namespace ifm
