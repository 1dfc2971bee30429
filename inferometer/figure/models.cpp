#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "inferometer/figure/parts.h"
#include "inferometer/figure/plot.h"
#include "inferometer/render/escape.h"

namespace ifm {
namespace {

/// One line of the figure: a heading, or a group's points with its mean.
struct Row {
  std::string text;
  bool heading = false;
  const Group* group = nullptr;
  Mark mark;
  bool points = false;  ///< false: only the mean
};

std::optional<double> value_of(const Run& run, const MetricInfo& metric) {
  return metric.rate_unit == nullptr ? run.metrics.e2e_s : run.metrics.output_tok_per_s;
}

/// The output length of a series' group as a position in by_max_tokens.
size_t length_index(const Study& study, const Group& group) {
  for (size_t i = 0; i < study.by_max_tokens.size(); ++i) {
    if (level_of(study.by_max_tokens[i], "max_tokens") == level_of(group, "max_tokens")) return i;
  }
  return 0;
}

std::vector<Row> rows_of(const Study& study) {
  std::vector<Row> rows;
  const bool several_lengths = study.by_max_tokens.size() > 1;
  for (size_t index = 0; index < study.by_model.size(); ++index) {
    const Group& series = study.by_model[index];
    const Mark mark = series_mark(study, index);
    rows.push_back({series.label, true, nullptr, mark, false});
    if (!several_lengths) {
      rows.push_back(
          {study.by_max_tokens.empty() ? "all" : study.by_max_tokens[0].label + " tokens", false, &series, mark, true});
      continue;
    }
    for (const Group& part : study.by_series_max_tokens) {
      if (series_of(study, part) != index) continue;
      const bool one_series = study.by_model.size() == 1;
      rows.push_back({level_of(part, "max_tokens") + " tokens", false, &part,
                      one_series ? length_mark(study, length_index(study, part)) : mark, true});
    }
    rows.push_back({"all lengths", false, &series, mark, false});
  }
  return rows;
}

void add_row(Plot& plot, const Study& study, const MetricInfo& metric, const Row& row, size_t index, const Scale& scale) {
  const double y = static_cast<double>(index);
  const MetricSummary& summary = row.group->*metric.summary;
  if (row.points) {
    std::vector<std::vector<double>> points;
    for (const Run* run : timed_runs(study)) {
      const std::optional<double> value = value_of(*run, metric);
      if (value && belongs_to(*run, *row.group)) points.push_back({*value * scale.factor, y + 0.62 * jitter(points.size())});
    }
    const Mark& mark = row.mark;
    plot.data(fmt::format("runs{}", index), points);
    if (!points.empty()) {
      plot.element(
          fmt::format("$runs{} using 1:2 with points pt {} ps 1.5 lc rgb '{}'", index, mark.point_type, translucent(mark)));
    }
  }
  if (!summary.mean) return;
  const double mean = *summary.mean * scale.factor;
  const Interval ci = summary.ci95.value_or(Interval{*summary.mean, *summary.mean});
  plot.data(fmt::format("mean{}", index), {{mean, y, ci.low * scale.factor, ci.high * scale.factor}});
  plot.element(fmt::format("$mean{0} using 1:($2-0.4):(0):(0.8) with vectors nohead lw 2.5 lc rgb 'black'", index));
  if (summary.ci95) plot.element(fmt::format("$mean{} using 1:2:3:4 with xerrorbars pt 0 lw 2 lc rgb 'black'", index));
  plot.label(scale.number(summary.mean), fmt::format("graph 1.012, first {}", index),
             "left font 'DejaVu Sans,15' textcolor rgb '#101010'");
}

/// From the runs' values and the intervals of their means.
void set_value_axis(Plot& plot, const Study& study, const MetricInfo& metric, const Scale& scale) {
  double low = 0;
  double high = 0;
  for (const Run* run : timed_runs(study)) {
    const double value = value_of(*run, metric).value_or(0) * scale.factor;
    if (value <= 0) continue;
    low = low == 0 ? value : std::min(low, value);
    high = std::max(high, value);
  }
  for (const Group& group : study.by_series_max_tokens) {
    const std::optional<Interval>& ci95 = (group.*metric.summary).ci95;
    if (ci95) high = std::max(high, ci95->high * scale.factor);
  }
  plot.value_axis(low, high, metric.name, metric.rate_unit == nullptr ? scale.unit : "output tok/s");
}

/// Few rows make a low figure, many a high one.
int figure_height(size_t rows) {
  const int n = static_cast<int>(rows);
  return std::max(std::min(1000, 300 + 140 * n), 250 + 42 * n);
}

}  // namespace

Figure metric_by_model_figure(const Study& study, const char* name, const char* metric_key, const Canvas& canvas) {
  const MetricInfo& metric = *find_metric(metric_key);
  const std::vector<Row> rows = rows_of(study);
  const std::string what =
      metric.rate_unit == nullptr ? "Latency of a request, start to last token" : "Throughput: output tokens over latency";
  const std::string title = what + (study.by_max_tokens.size() > 1 ? ", by output length" : "");
  const int height = canvas.has_words ? figure_height(rows.size()) : 200 + 60 * static_cast<int>(rows.size());
  Plot plot(
      study, title,
      study.overall.latency_s.ci95
          ? "Each mark is one run. Line across: the mean, with its 95 % interval; the number at the right is the mean."
          : "Each mark is one run. Line across: the mean, also the number at the right. No intervals: no cell was repeated.",
      height, canvas);
  const Scale scale = scale_of_metric(metric, study.by_model);
  plot.area(190, 120, plot.head() + 34, 150);
  plot.line(fmt::format("set yrange [{}:-0.6]", shortest(static_cast<double>(rows.size()) - 0.4)));
  plot.line("set grid noytics xtics").line("set border 1").line("unset key");
  set_value_axis(plot, study, metric, scale);
  std::string tics;
  for (size_t i = 0; i < rows.size(); ++i) {
    if (!rows[i].heading) tics += fmt::format("{}{} {}", tics.empty() ? "" : ", ", quote_gnuplot(rows[i].text), i);
    if (rows[i].heading) {
      plot.label(rows[i].text, fmt::format("screen 0.02, first {}", shortest(static_cast<double>(i) + 0.1)),
                 "left font 'DejaVu Sans:Bold,15' textcolor rgb '#101010' boxed");
    }
  }
  plot.line(fmt::format("set ytics scale 0 ({})", tics));
  plot.label(fmt::format("mean, {}", scale.unit), fmt::format("screen 0.985, screen {:.4f}", 1 - (plot.head() + 20) / height),
             "right font 'DejaVu Sans,13' textcolor rgb '#505050'");
  for (size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].group != nullptr) add_row(plot, study, metric, rows[i], i, scale);
  }
  plot.draw();
  return {name, title, height, plot.take(), {"runs.csv", "token_scaling.csv", "summary_stats.csv"}};
}

}  // namespace ifm
