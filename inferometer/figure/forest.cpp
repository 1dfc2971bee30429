#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "inferometer/figure/figures.h"
#include "inferometer/figure/plot.h"
#include "inferometer/render/comparison_names.h"
#include "inferometer/render/escape.h"

namespace ifm {
namespace {

using stats::PairedEffect;
using stats::Verdict;

double percent(double log_ratio) { return 100 * std::expm1(log_ratio); }

/// Blue: faster, orange: slower, grey: the same, black: open.
const char* colour_of(const ComparisonReport& report, const PairedEffect& effect) {
  if (report.design == ComparedDesign::sessions) return "#404040";
  switch (effect.verdict) {
    case Verdict::improvement:
      return "#0072B2";
    case Verdict::regression:
      return "#D55E00";
    case Verdict::equivalent:
      return "#808080";
    default:
      return "#101010";
  }
}

/// One line of the figure.
struct Row {
  std::string name;
  const PairedEffect* effect;
  bool over_all = false;
};

std::vector<Row> rows_of(const ComparisonReport& report) {
  std::vector<Row> rows;
  bool metrics_differ = false;
  for (const ComparedCell& cell : report.cells) metrics_differ = metrics_differ || cell.metric != report.cells.front().metric;
  for (const ComparedCell& cell : report.cells) {
    rows.push_back({comparison_cell_name(cell) + (metrics_differ ? ", " + cell.metric : ""), &cell.effect});
  }
  if (report.overall && report.cells.size() > 1) rows.push_back({"all cells", &*report.overall, true});
  return rows;
}

double largest_of(const std::vector<Row>& rows, double margin_percent) {
  double largest = 1.6 * margin_percent;
  for (const Row& row : rows) {
    const Interval wide = row.effect->ci95.value_or(Interval{row.effect->effect, row.effect->effect});
    largest = std::max({largest, std::abs(percent(wide.low)), std::abs(percent(wide.high))});
  }
  return 1.08 * largest;
}

void add_row(Plot& plot, const ComparisonReport& report, const Row& row, size_t index) {
  const PairedEffect& e = *row.effect;
  const Interval wide = e.ci95.value_or(Interval{e.effect, e.effect});
  const char* colour = colour_of(report, e);
  const std::string name = fmt::format("effect{}", index);
  plot.data(name, {{percent(e.effect), static_cast<double>(index), percent(wide.low), percent(wide.high)}});
  if (e.ci95)
    plot.element(fmt::format("${} using 1:2:3:4 with xerrorbars pt 0 lw {} lc rgb '{}'", name, row.over_all ? 4 : 2.5, colour));
  plot.element(fmt::format("${} using 1:2 with points pt {} ps 2 lc rgb '{}'", name, row.over_all ? 13 : 7, colour));
  std::string text = fmt::format("{:+.1f} %", percent(e.effect));
  if (e.ci95) text += fmt::format(" [{:+.1f}, {:+.1f}]", percent(wide.low), percent(wide.high));
  if (report.design == ComparedDesign::pairs) text.append("  ").append(stats::to_string(e.verdict));
  plot.label(text, fmt::format("graph 1.015, first {}", index), "left font 'DejaVu Sans,14' textcolor rgb '#101010'");
}

}  // namespace

Figure forest_figure(const ComparisonReport& report) {
  const std::vector<Row> rows = rows_of(report);
  if (rows.empty()) return {};
  const double margin_percent = percent(report.margin);
  const std::string title = "B against A: " + comparison_verdict(report);
  Plot plot(
      title,
      fmt::format("Each row is one cell: how much longer B takes, with its 95 % interval. Shaded: ±{} %, the margin within which "
                  "an effect counts as none. Right of it B is slower, left of it faster.",
                  significant(margin_percent, 2)),
      comparison_caption(report), static_cast<int>(330 + 56 * rows.size()));
  plot.area(430, 430, plot.head() + 34, 150);
  const double largest = largest_of(rows, margin_percent);
  plot.line(fmt::format("set xrange [{}:{}]", shortest(-largest), shortest(largest)));
  plot.line(fmt::format("set yrange [{}:-0.7]", shortest(static_cast<double>(rows.size()) - 0.3)));
  plot.line("set grid xtics noytics").line("set border 1").line("unset key");
  plot.line("set xlabel 'Time of B over that of A (%)' font 'DejaVu Sans,16'");
  plot.line(
      fmt::format("set object rectangle from first {}, graph 0 to first {}, graph 1 fs solid 1 noborder fc rgb '#EDEDED' behind",
                  shortest(-margin_percent), shortest(margin_percent)));
  plot.line("set arrow from first 0, graph 0 to first 0, graph 1 nohead lc rgb '#808080' lw 1");
  std::string tics;
  for (size_t i = 0; i < rows.size(); ++i) tics += fmt::format("{}{} {}", i == 0 ? "" : ", ", quote_gnuplot(rows[i].name), i);
  plot.line(fmt::format("set ytics scale 0 ({})", tics));
  for (size_t i = 0; i < rows.size(); ++i) add_row(plot, report, rows[i], i);
  plot.draw();
  return {"10_effects", title, plot.height(), plot.take(), {}};
}

}  // namespace ifm
