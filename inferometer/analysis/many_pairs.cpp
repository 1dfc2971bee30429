#include <algorithm>
#include <cmath>
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

/// All runs with the same levels, by rising repeat.
struct LevelRows {
  const Run* levels;
  std::vector<uint32_t> rows;
};

std::vector<LevelRows> level_rows(const RunTable& table, const RowsByPart& rows) {
  std::vector<LevelRows> all;
  for (size_t part = 0; part < rows.size(); ++part) {
    const Run& levels = table.parts()[part].levels;
    auto found = std::ranges::find_if(all, [&](const LevelRows& other) { return same_levels(*other.levels, levels); });
    if (found == all.end()) found = all.insert(all.end(), {&levels, {}});
    found->rows.insert(found->rows.end(), rows[part].begin(), rows[part].end());
  }
  for (LevelRows& of_levels : all) {
    std::ranges::sort(of_levels.rows, {}, [&](uint32_t row) { return std::pair(table.rows()[row].repeat, row); });
  }
  return all;
}

/// What the matched runs of two levels say of each metric.
using Matches = std::array<MatchedLogs, kMetrics>;

void merge(Matches& into, const Matches& other) {
  for (size_t m = 0; m < kMetrics; ++m) into[m].merge(other[m]);
}

/// Runs of the same repeat; of several on the high side the first counts.
Matches match(const RunTable& table, const std::vector<uint32_t>& low, const std::vector<uint32_t>& high) {
  Matches matches;
  std::array<std::vector<double>, kMetrics> logs;
  size_t next = 0;
  for (const uint32_t index : low) {
    const RunTable::Row& a = table.rows()[index];
    while (next < high.size() && table.rows()[high[next]].repeat < a.repeat) ++next;
    if (next == high.size()) break;
    const RunTable::Row& b = table.rows()[high[next]];
    if (b.repeat != a.repeat) continue;
    for (size_t m = 0; m < kMetrics; ++m) {
      if (std::isnan(a.metrics[m]) || std::isnan(b.metrics[m])) continue;
      matches[m].lengths_equal = matches[m].lengths_equal && a.output_tokens == b.output_tokens;
      matches[m].positive = matches[m].positive && a.metrics[m] > 0 && b.metrics[m] > 0;
      logs[m].push_back(matches[m].positive ? std::log(b.metrics[m] / a.metrics[m]) : 0);
    }
  }
  for (size_t m = 0; m < kMetrics; ++m) matches[m].logs = stats::moments_of(logs[m]);
  return matches;
}

bool same_series(const Run& a, const Run& b) { return a.mode == b.mode && a.engine == b.engine && a.model == b.model; }

/// By the higher temperature: runs against those at `low`.
using ByTemperature = std::map<double, Matches>;

ByTemperature against_lowest(const RunTable& table, const std::vector<LevelRows>& all, const Series& series, double low) {
  ByTemperature effects;
  for (const LevelRows& a : all) {
    if (a.levels->temperature != low || !same_series(*a.levels, *series.runs.front())) continue;
    for (const LevelRows& b : all) {
      if (b.levels->temperature == low || !same_series(*a.levels, *b.levels) || a.levels->prompt != b.levels->prompt ||
          a.levels->max_tokens != b.levels->max_tokens)
        continue;
      merge(effects[b.levels->temperature], match(table, a.rows, b.rows));
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

void fill_temperatures(Study& study, const RunTable& table, const std::vector<LevelRows>& all,
                       const std::vector<Series>& series) {
  std::vector<const Run*> runs;
  for (const LevelRows& levels : all) runs.push_back(levels.levels);
  const std::set<double> levels = temperatures_of(runs);
  ByTemperature overall;
  std::vector<ByTemperature> each;
  for (const Series& one : series) {
    // Over all series the lowest temperature of all counts, in a series its own: mostly the same.
    for (const auto& [high, matches] : against_lowest(table, all, one, *levels.begin())) merge(overall[high], matches);
    each.push_back(against_lowest(table, all, one, *temperatures_of(one.runs).begin()));
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
  fill_temperatures(study, table, all, series);
  for (size_t i = 1; i < series.size(); ++i) {
    Matches matches;
    for (const LevelRows& a : all) {
      if (!same_series(*a.levels, *series[0].runs.front())) continue;
      for (const LevelRows& b : all) {
        if (same_series(*b.levels, *series[i].runs.front()) && a.levels->prompt == b.levels->prompt &&
            a.levels->max_tokens == b.levels->max_tokens && a.levels->temperature == b.levels->temperature)
          merge(matches, match(table, a.rows, b.rows));
      }
    }
    for (size_t m = 0; m < kMetrics; ++m)
      study.series_effects.push_back(series_effect(effect_metrics()[m].name, series[i].label, series[0].label, matches[m]));
  }
}

}  // namespace ifm
