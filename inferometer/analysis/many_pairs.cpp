#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <set>
#include <span>

#include "inferometer/analysis/groups.h"
#include "inferometer/analysis/many_runs.h"
#include "inferometer/analysis/temperature.h"

namespace ifm {
namespace {

/// All runs with the same levels, by rising repeat.
struct LevelRows {
  const Run* levels;
  std::span<const int> repeats, output_tokens;
  std::array<std::span<const double>, kEffects> logs;
};

/// A table's rows by their levels, flagged or not.
class Levels {
 public:
  Levels(const RunTable& table, const EffectLogs& logs);
  [[nodiscard]] const std::vector<LevelRows>& each() const { return each_; }

 private:
  std::vector<int> repeats_, output_tokens_;  ///< those of a level together
  EffectLogs logs_;
  std::vector<LevelRows> each_;
};

/// Rows so that repeats do not fall; those of one repeat as they were executed.
std::vector<uint32_t> by_repeat(const std::vector<int>& repeats) {
  std::vector<uint32_t> rows(repeats.size());
  std::iota(rows.begin(), rows.end(), 0U);
  std::ranges::stable_sort(rows, {}, [&](uint32_t row) { return repeats[row]; });
  return rows;
}

template <typename T>
std::vector<T> in_order(const std::vector<T>& column, const std::vector<uint32_t>& rows) {
  std::vector<T> ordered(rows.size());
  std::ranges::transform(rows, ordered.begin(), [&](uint32_t row) { return column[row]; });
  return ordered;
}

Levels::Levels(const RunTable& table, const EffectLogs& logs) {
  const RunTable::Columns& columns = table.columns();
  const std::vector<uint32_t> alike = first_alike(table);
  std::vector<uint32_t> level = by_row(table, alike);
  // Blocks are repeats, so that execution mostly is in their order.
  const bool ordered = std::ranges::is_sorted(columns.repeat);
  const std::vector<uint32_t> order = ordered ? std::vector<uint32_t>() : by_repeat(columns.repeat);
  if (!ordered) level = in_order(level, order);
  const RowGroups groups(level, alike.size());
  const auto together = [&](const auto& column) { return groups.together(ordered ? column : in_order(column, order)); };
  repeats_ = together(columns.repeat);
  output_tokens_ = together(columns.output_tokens);
  for (size_t m = 0; m < logs.size(); ++m) logs_[m] = together(logs[m]);
  for (size_t part = 0; part < alike.size(); ++part) {
    if (alike[part] != part) continue;
    LevelRows rows{&table.parts()[part].levels,
                   groups.of(std::span<const int>(repeats_), part),
                   groups.of(std::span<const int>(output_tokens_), part),
                   {}};
    for (size_t m = 0; m < logs_.size(); ++m) rows.logs[m] = groups.of(std::span<const double>(logs_[m]), part);
    each_.push_back(rows);
  }
}

/// What the matched runs of two levels say of each metric.
using Matches = std::array<MatchedLogs, kEffects>;

void merge(Matches& into, const Matches& other) {
  for (size_t m = 0; m < into.size(); ++m) into[m].merge(other[m]);
}

/// Places of runs of the same repeat; of several on the high side the first counts.
struct Matched {
  size_t low = 0, high = 0;
};

std::vector<Matched> matched_runs(std::span<const int> low, std::span<const int> high) {
  std::vector<Matched> pairs;
  pairs.reserve(low.size());
  size_t next = 0;
  for (size_t i = 0; i < low.size(); ++i) {
    while (next < high.size() && high[next] < low[i]) ++next;
    if (next == high.size()) break;
    if (high[next] == low[i]) pairs.push_back({i, next});
  }
  return pairs;
}

Matches match(const LevelRows& low, const LevelRows& high) {
  const std::vector<Matched> pairs = matched_runs(low.repeats, high.repeats);
  Matches matches;
  std::vector<double> ratios(pairs.size());
  for (size_t m = 0; m < matches.size(); ++m) {
    MatchedLogs& of_metric = matches[m];
    size_t n = 0;
    for (const Matched& pair : pairs) {
      const double a = low.logs[m][pair.low], b = high.logs[m][pair.high];
      if (std::isnan(a) || std::isnan(b)) continue;
      of_metric.lengths_equal = of_metric.lengths_equal && low.output_tokens[pair.low] == high.output_tokens[pair.high];
      of_metric.positive = of_metric.positive && a != kNoLog && b != kNoLog;
      ratios[n++] = of_metric.positive ? b - a : 0;
    }
    of_metric.logs = stats::moments_of(std::span(ratios).first(n));
  }
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
      merge(effects[b.levels->temperature], match(a, b));
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
  for (size_t m = 0; m < kEffects; ++m) {
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

void fill_pairs_of_many(Study& study, const RunTable& table, const EffectLogs& logs) {
  const Levels levels(table, logs);
  const std::vector<LevelRows>& all = levels.each();
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
          merge(matches, match(a, b));
      }
    }
    for (size_t m = 0; m < kEffects; ++m)
      study.series_effects.push_back(series_effect(effect_metrics()[m].name, series[i].label, series[0].label, matches[m]));
  }
}

}  // namespace ifm
