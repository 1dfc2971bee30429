#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "inferometer/figure/parts.h"
#include "inferometer/figure/plot.h"

namespace ifm {
namespace {

constexpr double kLeft = 60;
constexpr double kMiddle = 830;
constexpr double kNumbers = 110;  ///< pixels for the means at the right of each panel
constexpr double kGap = 60;

struct Panel {
  const MetricInfo* metric;
  std::optional<double> RunMetrics::*value;
  const char* name;  ///< of its data
  double left, right;
};

/// The smallest value above 0 and the largest one, of runs and of the intervals of means.
std::pair<double, double> range_of(const Study& study, const Panel& panel, const Scale& scale) {
  double low = 0;
  double high = 1e-9;
  for (const Run* run : timed_runs(study)) {
    const double value = (run->metrics.*panel.value).value_or(0) * scale.factor;
    if (value > 0) low = low == 0 ? value : std::min(low, value);
    high = std::max(high, value);
  }
  for (const Group& series : study.by_model) {
    const MetricSummary& summary = series.*panel.metric->summary;
    if (summary.ci95) high = std::max(high, summary.ci95->high * scale.factor);
  }
  return {low, high};
}

/// A series' runs, their mean and its interval, in row `index`.
void add_series(Plot& plot, const Study& study, const Panel& panel, const Scale& scale, size_t index) {
  const Group& series = study.by_model[index];
  const double y = static_cast<double>(index);
  const Mark mark = series_mark(study, index);
  std::vector<std::vector<double>> points;
  for (const Run* run : timed_runs(study)) {
    const std::optional<double>& value = run->metrics.*panel.value;
    if (value && series_of(study, *run) == index) points.push_back({*value * scale.factor, y + 0.56 * jitter(points.size())});
  }
  if (!points.empty()) {
    plot.data(fmt::format("{}_runs{}", panel.name, index), points);
    plot.element(fmt::format("${}_runs{} using 1:2 with points pt {} ps 1.3 lc rgb '{}'", panel.name, index, mark.point_type,
                             translucent(mark)));
  }
  const MetricSummary& summary = series.*panel.metric->summary;
  plot.label(scale.number(summary.mean), fmt::format("graph 1.02, first {}", index),
             "left font 'DejaVu Sans,15' textcolor rgb '#101010'");
  if (!summary.mean) return;
  const Interval ci = summary.ci95.value_or(Interval{*summary.mean, *summary.mean});
  const std::string mean = fmt::format("{}_mean{}", panel.name, index);
  plot.data(mean, {{*summary.mean * scale.factor, y, ci.low * scale.factor, ci.high * scale.factor}});
  plot.element(fmt::format("${} using 1:($2-0.36):(0):(0.72) with vectors nohead lw 2.5 lc rgb 'black'", mean));
  if (summary.ci95) plot.element(fmt::format("${} using 1:2:3:4 with xerrorbars pt 0 lw 2 lc rgb 'black'", mean));
}

void draw_panel(Plot& plot, const Study& study, const Panel& panel, double bottom) {
  const Scale scale = scale_of_metric(*panel.metric, study.by_model);
  plot.area(panel.left, 1600 - panel.right, plot.head() + 40, bottom);
  plot.line(fmt::format("set yrange [{}:-0.75]", shortest(static_cast<double>(study.by_model.size()) - 0.4)));
  plot.line("set grid xtics noytics").line("set border 1").line("unset key").line("unset ytics");
  const auto [low, high] = range_of(study, panel, scale);
  plot.value_axis(low, high, panel.metric->name, scale.unit);
  for (size_t i = 0; i < study.by_model.size(); ++i) add_series(plot, study, panel, scale, i);
  for (size_t i = 0; i < study.by_model.size() && panel.left < kMiddle; ++i) {
    plot.label(study.by_model[i].label, fmt::format("graph 0, first {}", shortest(static_cast<double>(i) - 0.44)),
               "left font 'DejaVu Sans:Bold,14' textcolor rgb '#101010'");
  }
  plot.draw();
}

}  // namespace

Figure speeds_figure(const Study& study) {
  const auto known = [&](const char* key) { return (study.overall.*find_metric(key)->summary).mean.has_value(); };
  if (!known("ttft_s") && !known("decode_tok_per_s")) return {};
  const std::string title = "First token and decoding, by series";
  const int rows = static_cast<int>(study.by_model.size());
  Plot plot(study, title,
            study.overall.ttft_s.ci95
                ? "Each mark is one run. Line across: the mean, with its 95 % interval; the number at the right is the mean."
                : "Each mark is one run. Line across: the mean, also the number at the right.",
            std::max(std::min(1000, 300 + 150 * rows), 260 + 62 * rows));
  plot.line("set multiplot");
  const double bottom = plot.foot() + 95;
  if (known("ttft_s"))
    draw_panel(plot, study, {find_metric("ttft_s"), &RunMetrics::ttft_s, "ttft", kLeft, kMiddle - kNumbers}, bottom);
  plot.line("unset label");
  if (known("decode_tok_per_s")) {
    draw_panel(plot, study,
               {find_metric("decode_tok_per_s"), &RunMetrics::decode_tok_per_s, "decode", kMiddle + kGap, 1600 - kNumbers},
               bottom);
  }
  plot.line("unset multiplot");
  return {"08_first_token_and_decode", title, plot.height(), plot.take(), {"runs.csv", "summary_stats.csv"}};
}

}  // namespace ifm
