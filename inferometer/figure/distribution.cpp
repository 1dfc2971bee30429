#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "inferometer/figure/parts.h"
#include "inferometer/figure/plot.h"

namespace ifm {
namespace {

/// Medians of the colours' groups with their intervals, where enough runs exist.
const Group* group_of(const Study& study, const ColourKey& key, size_t index) {
  const std::vector<Group>& groups = key.by_series ? study.by_model : study.by_max_tokens;
  return index < groups.size() ? &groups[index] : nullptr;
}

/// Steps of the empirical distribution: from (smallest, 0) up by 1/n at each run.
void add_distribution(Plot& plot, const Study& study, const ColourKey& key, size_t index, double factor) {
  std::vector<double> values;
  for (const Run* run : timed_runs(study)) {
    if (colour_of(study, key, *run) == index) values.push_back(*run->metrics.e2e_s * factor);
  }
  if (values.empty()) return;
  std::sort(values.begin(), values.end());
  const double n = static_cast<double>(values.size());
  std::vector<std::vector<double>> steps{{values.front(), 0}};
  for (size_t i = 0; i < values.size(); ++i) steps.push_back({values[i], 100 * static_cast<double>(i + 1) / n});
  const Mark& mark = key.marks[index];
  plot.data(fmt::format("share{}", index), steps);
  plot.element(fmt::format("$share{} using 1:2 with steps lw 2 lc rgb '{}' notitle", index, mark.colour));
  plot.element(fmt::format("$share{} every ::1 using 1:2 with points pt {} ps 1.0 lc rgb '{}' notitle", index, mark.point_type,
                           translucent(mark)));
  const Group* group = group_of(study, key, index);
  if (group == nullptr || !group->latency_s.median || !group->latency_s.median_ci95) return;
  const Interval& ci = *group->latency_s.median_ci95;
  // Around 50 %, a little apart, so that the intervals of several colours do not lie on each other.
  const double count = static_cast<double>(key.names.size());
  const double apart = std::min(4.0, 40 / count);
  const double height = 50 + ((count - 1) / 2 - static_cast<double>(index)) * apart;
  plot.data(fmt::format("median{}", index), {{*group->latency_s.median * factor, height, ci.low * factor, ci.high * factor}});
  plot.element(fmt::format("$median{} using 1:2:3:4 with xerrorbars pt 0 lw 6 lc rgb 'white' notitle", index));
  plot.element(fmt::format("$median{} using 1:2:3:4 with xerrorbars pt 0 lw 2.5 lc rgb 'black' notitle", index));
  plot.element(
      fmt::format("$median{} using 1:2 with points pt {} ps 1.3 lc rgb '{}' notitle", index, mark.point_type, mark.colour));
}

void distribution_panel(Plot& plot, const Study& study, const ColourKey& key, double bottom) {
  double largest = 0;
  for (const Run* run : timed_runs(study)) largest = std::max(largest, *run->metrics.e2e_s);
  plot.area(140, 850, plot.head() + 64, bottom);
  const Scale scale = scale_of_seconds(std::array{largest});
  plot.line(fmt::format("set xrange [0:{}]", shortest(largest * scale.factor * 1.05))).line("set yrange [0:104]");
  plot.line(fmt::format("set xlabel 'Latency ({})' font 'DejaVu Sans,16'", scale.unit));
  plot.line("set ylabel 'Runs that took no longer (%)' font 'DejaVu Sans,16' offset 0.5,0").line("set ytics 25");
  plot.line("unset key");
  for (size_t i = 0; i < key.names.size(); ++i) add_distribution(plot, study, key, i, scale.factor);
  plot.draw();
}

/// Order and per cent off the mean of the run's own cell, by colour.
std::vector<std::vector<std::vector<double>>> repeats_by_colour(const Study& study, const ColourKey& key) {
  std::vector<std::vector<std::vector<double>>> points(std::max<size_t>(1, key.names.size()));
  for (const RepeatPoint& point : repeat_points(study))
    points[colour_of(study, key, *point.run)].push_back({static_cast<double>(point.run->order) + 1, point.percent});
  return points;
}

void repeats_panel(Plot& plot, const Study& study, const ColourKey& key, double bottom) {
  const auto points = repeats_by_colour(study, key);
  double largest = 0.1;
  double last = 1;
  size_t count = 0;
  for (const auto& colour : points) {
    count += colour.size();
    for (const auto& point : colour) {
      last = std::max(last, point[0]);
      largest = std::max(largest, std::abs(point[1]));
    }
  }
  if (count == 0) return;
  plot.line("unset label").line("unset key").line("set ytics autofreq");
  plot.area(960, 40, plot.head() + 64, bottom);
  plot.line(fmt::format("set xrange [0:{}]", shortest(last + 1)));
  plot.line(fmt::format("set yrange [{}:{}]", shortest(-1.12 * largest), shortest(1.12 * largest)));
  plot.line("set xlabel 'Order of execution' font 'DejaVu Sans,16'");
  plot.line("set ylabel 'Difference from the mean of its cell (%)' font 'DejaVu Sans,16' offset 0.5,0");
  plot.line("set arrow from graph 0, first 0 to graph 1, first 0 nohead lc rgb '#808080' lw 1");
  plot.label("Repeats of the same cell", fmt::format("graph 0, screen {:.4f}", 1 - (plot.head() + 42) / plot.height()),
             "left font 'DejaVu Sans:Bold,15' textcolor rgb '#303030'");
  for (size_t c = 0; c < points.size(); ++c) {
    if (points[c].empty()) continue;
    const Mark& mark = key.marks[c];
    plot.data(fmt::format("repeat{}", c), points[c]);
    plot.element(
        fmt::format("$repeat{} using 1:2 with points pt {} ps 1.2 lc rgb '{}' notitle", c, mark.point_type, translucent(mark)));
  }
  plot.draw();
}

}  // namespace

Figure distribution_figure(const Study& study) {
  const ColourKey key = colour_key(study);
  const std::string title = "Distribution of latency, and how repeats of one cell differ";
  const std::string right = repeat_points(study).empty() ? "nothing, for no cell was repeated." : "what repeating adds.";
  const std::string subtitle =
      "Each mark is one run. Left: share of runs that were at least as fast; whiskers: 95 % interval of each median, where there "
      "are 6 runs. Right: " +
      right;
  Plot plot(study, title, subtitle, height_with_legend(key));
  plot.line("set multiplot");
  plot.label("All runs", fmt::format("screen {:.4f}, screen {:.4f}", 140.0 / 1600, 1 - (plot.head() + 42) / plot.height()),
             "left font 'DejaVu Sans:Bold,15' textcolor rgb '#303030'");
  const double bottom = plot.legend(key);
  distribution_panel(plot, study, key, bottom);
  repeats_panel(plot, study, key, bottom);
  plot.line("unset multiplot");
  return {"05_latency_distribution", title, plot.height(), plot.take(), {"runs.csv"}};
}

}  // namespace ifm
