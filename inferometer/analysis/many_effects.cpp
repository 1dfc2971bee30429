#include <algorithm>
#include <cmath>
#include <iterator>
#include <set>
#include <span>
#include <utility>

#include "inferometer/analysis/effects.h"
#include "inferometer/analysis/groups.h"
#include "inferometer/analysis/many_runs.h"
#include "inferometer/stats/describe.h"
#include "inferometer/stats/grouped.h"
#include "inferometer/stats/trend.h"

namespace ifm {
namespace {

constexpr size_t kThroughput = 1;

bool is_log(double x) { return std::isfinite(x); }

constexpr int kLengthSpans = 64;  ///< lengths beyond so many are tested for a curve in spans of neighbours

/// Latencies of one length under one condition (prompt and temperature).
struct LengthGroup {
  int tokens = 0;
  int condition = 0;
  stats::Moments seconds;
};

/// What of runs decides about the price of a token, each part's together.
struct Lengths {
  const RowGroups& by_part;
  std::vector<int> tokens;
  std::vector<double> latency, throughput;
};

Lengths lengths_of(const RunTable& table, const RowGroups& by_part) {
  const RunTable::Columns& columns = table.columns();
  return {by_part, by_part.together(columns.output_tokens), by_part.together(columns.metrics[kLatency]),
          by_part.together(columns.metrics[kThroughput])};
}

std::vector<LengthGroup> length_groups(const Series& series, const Lengths& runs) {
  std::map<std::pair<std::string, double>, int> conditions;
  std::map<std::pair<int, int>, stats::Moments> groups;
  for (const Run* levels : series.runs) {
    const auto next = static_cast<int>(conditions.size());
    const int condition = conditions.try_emplace({levels->prompt, levels->temperature}, next).first->second;
    const auto part = static_cast<size_t>(levels->id);
    const auto tokens = runs.by_part.of(std::span(runs.tokens), part);
    const auto latency = runs.by_part.of(std::span(runs.latency), part);
    const auto throughput = runs.by_part.of(std::span(runs.throughput), part);
    std::map<int, std::vector<double>> by_length;
    std::vector<double>* at = nullptr;
    int length = -1;
    for (size_t i = 0; i < tokens.size(); ++i) {
      if (tokens[i] < 0 || std::isnan(latency[i]) || std::isnan(throughput[i])) continue;
      if (at == nullptr || tokens[i] != length) at = &by_length[length = tokens[i]];
      at->push_back(latency[i]);
    }
    for (const auto& [count, seconds] : by_length) groups[{count, condition}].merge(stats::moments_of(seconds));
  }
  std::vector<LengthGroup> result;
  for (const auto& [key, moments] : groups) result.push_back({key.first, key.second, moments});
  return result;
}

/// Number of the span of neighbouring lengths that each group is in; with few lengths every length is one.
std::vector<int> spans_of(const std::vector<LengthGroup>& groups) {
  std::set<int> lengths;
  for (const LengthGroup& group : groups) lengths.insert(group.tokens);
  std::map<int, int> span_of_length;
  int i = 0;
  const auto count = static_cast<int>(lengths.size());
  for (const int length : lengths) {
    span_of_length[length] = count <= kLengthSpans ? i : static_cast<int>(int64_t{i} * kLengthSpans / count);
    ++i;
  }
  std::vector<int> spans;
  for (const LengthGroup& group : groups) spans.push_back(span_of_length[group.tokens]);
  return spans;
}

std::optional<double> lack_of_fit_p(const std::vector<LengthGroup>& groups, const std::vector<int>& spans) {
  std::vector<stats::Moments> y;
  std::vector<int> conditions;
  stats::Column tokens;
  for (const LengthGroup& group : groups) {
    y.push_back(group.seconds);
    conditions.push_back(group.condition);
    tokens.push_back(group.tokens);
  }
  stats::Basis line(y.size());
  line.add(stats::weighted(stats::Column(y.size(), 1.0), y));
  for (const stats::Column& column : stats::factor_columns(conditions)) line.add(stats::weighted(column, y));
  line.add(stats::weighted(tokens, y));
  stats::Basis means = line;
  for (const stats::Column& column : stats::factor_columns(spans)) means.add(stats::weighted(column, y));
  const auto test = stats::compare_models(line, means, y);
  if (!test) return std::nullopt;
  return test->p;
}

std::optional<double> largest_deviation(const std::vector<LengthGroup>& groups, const std::vector<int>& spans,
                                        const stats::Line& line) {
  std::map<int, std::pair<stats::Moments, stats::Moments>> by_span;  // tokens, seconds
  for (size_t i = 0; i < groups.size(); ++i) {
    by_span[spans[i]].first.merge({groups[i].seconds.n, static_cast<double>(groups[i].tokens), 0});
    by_span[spans[i]].second.merge(groups[i].seconds);
  }
  double largest = 0;
  for (const auto& [span, moments] : by_span) {
    const double mean = moments.second.mean;
    if (!(mean > 0)) return std::nullopt;
    largest = std::max(largest, std::abs(mean - line.at(moments.first.mean)) / mean);
  }
  return largest;
}

Scaling scaling_of(const Series& series, const RunTable& table, const Lengths& runs) {
  const std::vector<LengthGroup> groups = length_groups(series, runs);
  Scaling scaling;
  scaling.series = series.label;
  if (groups.empty()) return scaling;
  std::set<int> lengths;
  std::map<int, int64_t> runs_of_length;
  std::vector<stats::LineGroup> points;
  for (const LengthGroup& group : groups) {
    lengths.insert(group.tokens);
    runs_of_length[group.tokens] += group.seconds.n;
    scaling.n += static_cast<int>(group.seconds.n);
    points.push_back({static_cast<double>(group.tokens), group.seconds});
  }
  scaling.lengths = static_cast<int>(lengths.size());
  scaling.min_tokens = *lengths.begin();
  scaling.max_tokens = *lengths.rbegin();
  const std::optional<stats::Line> line = stats::fit_line(points);
  if (!line) return scaling;
  set_line(scaling, *line, runs_of_length, time_of_parts(table, kLatency, parts_of(series.runs)));
  if (lengths.size() > 2) {
    const std::vector<int> spans = spans_of(groups);
    scaling.lack_of_fit_p = lack_of_fit_p(groups, spans);
    scaling.largest_deviation = largest_deviation(groups, spans, *line);
  }
  return scaling;
}

/// Parts by cell, levels and span of blocks, whose logs' moments are what the shares of variance are computed from.
struct Design {
  std::vector<const Run*> levels;  ///< of each group
  std::vector<int> spans;          ///< of blocks
  std::vector<uint32_t> group_of_row;
};

Design design_of(const RunTable& table) {
  const RunTable::Columns& columns = table.columns();
  const auto [first, last] = std::ranges::minmax(columns.block);
  const int64_t blocks = int64_t{last} - first + 1;
  const int64_t spans = std::min<int64_t>(kBlockSpans, blocks);
  const std::vector<uint32_t> alike = first_alike(table);
  std::vector<int> group_of(table.parts().size() * static_cast<size_t>(spans), -1);
  Design design;
  design.group_of_row.reserve(table.timed());
  for (size_t row = 0; row < table.timed(); ++row) {
    const int64_t span = (int64_t{columns.block[row]} - first) * spans / blocks;
    const uint32_t part = alike[columns.part[row]];
    int& group = group_of[static_cast<size_t>(part * spans + span)];
    if (group < 0) {
      group = static_cast<int>(design.levels.size());
      design.levels.push_back(&table.parts()[part].levels);
      design.spans.push_back(static_cast<int>(span));
    }
    design.group_of_row.push_back(static_cast<uint32_t>(group));
  }
  return design;
}

/// Moments of the logs in each group.
std::vector<stats::Moments> log_moments(const RowGroups& groups, const std::vector<double>& logs) {
  const std::vector<double> together = groups.together(logs);
  std::vector<stats::Moments> moments;
  std::vector<double> known;
  for (size_t group = 0; group < groups.size(); ++group) {
    known.clear();
    std::ranges::copy_if(groups.of(std::span(together), group), std::back_inserter(known), is_log);
    moments.push_back(stats::moments_of(known));
  }
  return moments;
}

void append_variance(Study& study, const char* metric, const Design& design, const std::vector<stats::Moments>& moments) {
  std::vector<stats::Moments> y;
  std::vector<const Run*> levels;
  stats::Factor block{.name = "block", .levels = {}};
  std::vector<int> cells;
  for (size_t i = 0; i < moments.size(); ++i) {
    if (moments[i].n == 0) continue;
    y.push_back(moments[i]);
    levels.push_back(design.levels[i]);
    block.levels.push_back(design.spans[i]);
    cells.push_back(design.levels[i]->cell);
  }
  if (y.empty()) return;
  std::vector<stats::Factor> factors = level_factors(levels);
  factors.push_back(std::move(block));
  if (const auto effects = stats::variance_shares(y, factors, cells)) append_shares(study, metric, *effects);
}

/// Medians of a cell's neighbouring runs.
stats::Points medians_of(stats::Points&& points, size_t spans) {
  const size_t n = points.x.size();
  if (n <= spans) return std::move(points);
  stats::Points medians;
  for (size_t i = 0; i < spans; ++i) {
    const size_t first = i * n / spans;
    const size_t count = (i + 1) * n / spans - first;
    medians.x.push_back(*stats::median(std::span(points.x).subspan(first, count)));
    medians.y.push_back(*stats::median(std::span(points.y).subspan(first, count)));
  }
  return medians;
}

}  // namespace

void fill_scaling_of_many(Study& study, const RunTable& table, const RowGroups& by_part) {
  const Lengths runs = lengths_of(table, by_part);
  for (const Series& series : series_of(table.levels())) study.scaling.push_back(scaling_of(series, table, runs));
}

void fill_variance_of_many(Study& study, const RunTable& table, const EffectLogs& logs) {
  if (table.timed() == 0) return;
  const Design design = design_of(table);
  const RowGroups groups(design.group_of_row, design.levels.size());
  for (size_t m = 0; m < logs.size(); ++m) append_variance(study, effect_metrics()[m].name, design, log_moments(groups, logs[m]));
}

void fill_drift_of_many(Study& study, const RunTable& table, const std::vector<double>& log_latency) {
  if (table.parts().empty()) return;
  const std::vector<uint32_t> cell_of_part = cell_numbers(table);
  const std::vector<uint32_t> cell_of_row = by_row(table, cell_of_part);
  const RowGroups cells(cell_of_row, size_t{1} + *std::ranges::max_element(cell_of_part));
  const std::vector<double> hours = cells.together(table.columns().start_h);
  const std::vector<double> logs = cells.together(log_latency);
  const auto spans = static_cast<size_t>(std::max(2.0, std::sqrt(2.0 * kDriftSlopes / static_cast<double>(cells.size()))));
  std::vector<stats::Points> points;
  std::vector<stats::Moments> moments;
  for (size_t cell = 0; cell < cells.size(); ++cell) {
    const auto x = cells.of(std::span(hours), cell);
    const auto y = cells.of(std::span(logs), cell);
    stats::Points known;
    for (size_t i = 0; i < y.size(); ++i) {
      if (!is_log(y[i])) continue;
      known.x.push_back(x[i]);
      known.y.push_back(y[i]);
    }
    moments.push_back(stats::moments_of(known.y));
    points.push_back(medians_of(std::move(known), spans));
  }
  std::vector<double> residuals;
  residuals.reserve(log_latency.size());
  for (size_t row = 0; row < log_latency.size(); ++row) {
    const stats::Moments& cell = moments[cell_of_row[row]];
    if (cell.n > 1 && is_log(log_latency[row])) residuals.push_back(log_latency[row] - cell.mean);
  }
  set_residuals(study, residuals);
  const auto first = std::ranges::find_if(log_latency, is_log);
  if (first == log_latency.end()) return;
  const auto last = std::find_if(log_latency.rbegin(), log_latency.rend(), is_log).base() - 1;
  const RunTable::Columns& columns = table.columns();
  const auto at = [&](auto place) { return static_cast<size_t>(place - log_latency.begin()); };
  study.session_hours = columns.start_h[at(last)] - columns.start_h[at(first)] + columns.metrics[kLatency][at(last)] / 3600;
  set_drift(study, stats::theil_sen_within(points), time_of_parts(table, kLatency, parts_of(table.levels())));
}

void fill_determinism_of_many(Study& study, const RunTable& table) {
  for (const Series& series : series_of(table.levels())) {
    struct GreedyCell {
      int runs = 0;
      std::set<std::string> hashes;
      bool differ = false;
    };
    std::map<int, GreedyCell> cells;
    for (const Run* levels : series.runs) {
      const RunTable::Part& part = table.parts()[static_cast<size_t>(levels->id)];
      if (part.greedy_runs == 0) continue;
      GreedyCell& cell = cells[levels->cell];
      cell.runs += part.greedy_runs;
      cell.hashes.insert(levels->ids_hash);
      cell.differ = cell.differ || part.ids_differ || cell.hashes.size() > 1;
    }
    Determinism result{.series = series.label};
    for (const auto& [number, cell] : cells) {
      if (cell.runs < 2) continue;
      ++result.cells;
      result.runs += cell.runs;
      result.cells_differing += cell.differ ? 1 : 0;
    }
    if (result.cells > 0) study.determinism.push_back(std::move(result));
  }
}

}  // namespace ifm
