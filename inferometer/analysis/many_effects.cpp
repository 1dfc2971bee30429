#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <utility>

#include "inferometer/analysis/effects.h"
#include "inferometer/analysis/groups.h"
#include "inferometer/analysis/many_runs.h"
#include "inferometer/stats/describe.h"
#include "inferometer/stats/grouped.h"
#include "inferometer/stats/trend.h"

namespace ifm {
namespace {

using Row = RunTable::Row;
using RowsByPart = std::vector<std::vector<uint32_t>>;

constexpr size_t kThroughput = 1;
constexpr int kLengthSpans = 64;  ///< lengths beyond so many are tested for a curve in spans of neighbours

/// Latencies of one length under one condition (prompt and temperature).
struct LengthGroup {
  int tokens = 0;
  int condition = 0;
  stats::Moments seconds;
};

std::vector<LengthGroup> length_groups(const Series& series, const RunTable& table, const RowsByPart& rows) {
  std::map<std::pair<std::string, double>, int> conditions;
  std::map<std::pair<int, int>, stats::Moments> groups;
  for (const Run* part : series.runs) {
    const auto next = static_cast<int>(conditions.size());
    const int condition = conditions.try_emplace({part->prompt, part->temperature}, next).first->second;
    std::map<int, std::vector<double>> by_length;
    std::vector<double>* at = nullptr;
    int length = -1;
    for (const uint32_t index : rows[static_cast<size_t>(part->id)]) {
      const Row& row = table.rows()[index];
      if (row.output_tokens < 0 || std::isnan(row.metrics[kLatency]) || std::isnan(row.metrics[kThroughput])) continue;
      if (at == nullptr || row.output_tokens != length) at = &by_length[length = row.output_tokens];
      at->push_back(row.metrics[kLatency]);
    }
    for (const auto& [tokens, seconds] : by_length) groups[{tokens, condition}].merge(stats::moments_of(seconds));
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

Scaling scaling_of(const Series& series, const RunTable& table, const RowsByPart& rows) {
  const std::vector<LengthGroup> groups = length_groups(series, table, rows);
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
  std::vector<int> group_of_row;
};

/// Of each part the first one with the same levels, flagged or not.
std::vector<int> first_alike(const RunTable& table) {
  std::vector<int> alike;
  const std::vector<RunTable::Part>& parts = table.parts();
  for (size_t i = 0; i < parts.size(); ++i) {
    size_t j = 0;
    while (!same_levels(parts[j].levels, parts[i].levels)) ++j;
    alike.push_back(static_cast<int>(j));
  }
  return alike;
}

Design design_of(const RunTable& table) {
  const std::vector<Row>& rows = table.rows();
  const auto [first, last] = std::ranges::minmax_element(rows, {}, &Row::block);
  const int64_t blocks = int64_t{last->block} - first->block + 1;
  const int64_t spans = std::min<int64_t>(kBlockSpans, blocks);
  const std::vector<int> alike = first_alike(table);
  std::vector<int> group_of(table.parts().size() * static_cast<size_t>(spans), -1);
  Design design;
  design.group_of_row.reserve(rows.size());
  for (const Row& row : rows) {
    const int64_t span = (int64_t{row.block} - first->block) * spans / blocks;
    const int part = alike[static_cast<size_t>(row.part)];
    int& group = group_of[static_cast<size_t>(part * spans + span)];
    if (group < 0) {
      group = static_cast<int>(design.levels.size());
      design.levels.push_back(&table.parts()[static_cast<size_t>(part)].levels);
      design.spans.push_back(static_cast<int>(span));
    }
    design.group_of_row.push_back(group);
  }
  return design;
}

/// Moments of the log of a metric in each group.
std::vector<stats::Moments> log_moments(const RunTable& table, const Design& design, size_t metric) {
  std::vector<stats::Moments> moments(design.levels.size());
  std::vector<double> logs(table.rows().size(), std::numeric_limits<double>::quiet_NaN());
  for (size_t i = 0; i < logs.size(); ++i) {
    const double x = table.rows()[i].metrics[metric];
    if (!(x > 0)) continue;
    logs[i] = std::log(x);
    stats::Moments& group = moments[static_cast<size_t>(design.group_of_row[i])];
    ++group.n;
    group.mean += logs[i];  // the sum, until all are in
  }
  for (stats::Moments& group : moments)
    if (group.n > 0) group.mean /= static_cast<double>(group.n);
  for (size_t i = 0; i < logs.size(); ++i) {
    if (std::isnan(logs[i])) continue;
    stats::Moments& group = moments[static_cast<size_t>(design.group_of_row[i])];
    group.squares += (logs[i] - group.mean) * (logs[i] - group.mean);
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
stats::Points medians_of(const stats::Points& points, size_t spans) {
  const size_t n = points.x.size();
  if (n <= spans) return points;
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

void fill_scaling_of_many(Study& study, const RunTable& table, const RowsByPart& rows) {
  for (const Series& series : series_of(table.levels())) study.scaling.push_back(scaling_of(series, table, rows));
}

void fill_variance_of_many(Study& study, const RunTable& table) {
  if (table.rows().empty()) return;
  const Design design = design_of(table);
  for (size_t m = 0; m < effect_metrics().size(); ++m)
    append_variance(study, effect_metrics()[m].name, design, log_moments(table, design, m));
}

void fill_drift_of_many(Study& study, const RunTable& table, const RowsByPart& rows) {
  std::map<int, std::vector<uint32_t>> cells;
  for (size_t part = 0; part < rows.size(); ++part) {
    std::vector<uint32_t>& cell = cells[table.parts()[part].levels.cell];
    const auto middle = static_cast<std::ptrdiff_t>(cell.size());
    for (const uint32_t row : rows[part])
      if (table.rows()[row].metrics[kLatency] > 0) cell.push_back(row);
    std::inplace_merge(cell.begin(), cell.begin() + middle, cell.end());
  }
  const double missing = std::numeric_limits<double>::quiet_NaN();
  std::vector<double> residual_of_row(table.rows().size(), missing);
  const auto spans = static_cast<size_t>(std::max(2.0, std::sqrt(2.0 * kDriftSlopes / static_cast<double>(cells.size()))));
  std::vector<stats::Points> points;
  for (const auto& [cell, of_cell] : cells) {
    stats::Points all;
    for (const uint32_t row : of_cell) {
      all.x.push_back(static_cast<double>(table.rows()[row].start_ns) / kNsPerHour);
      all.y.push_back(std::log(table.rows()[row].metrics[kLatency]));
    }
    const double mean = stats::moments_of(all.y).mean;
    for (size_t i = 0; of_cell.size() > 1 && i < of_cell.size(); ++i) residual_of_row[of_cell[i]] = all.y[i] - mean;
    points.push_back(medians_of(all, spans));
  }
  std::erase_if(residual_of_row, [](double x) { return std::isnan(x); });
  set_residuals(study, residual_of_row);
  const auto has_latency = [](const Row& row) { return row.metrics[kLatency] > 0; };
  const auto first = std::ranges::find_if(table.rows(), has_latency);
  if (first == table.rows().end()) return;
  const auto last = std::find_if(table.rows().rbegin(), table.rows().rend(), has_latency);
  study.session_hours = static_cast<double>(last->start_ns - first->start_ns) / kNsPerHour + last->metrics[kLatency] / 3600;
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
