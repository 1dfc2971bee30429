#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <map>

#include <fmt/format.h>

#include "inferometer/figure/parts.h"
#include "inferometer/figure/plot.h"

namespace ifm {
namespace {

/// Open shapes drawn around a flagged run's mark; the sixth and later flags share the last one.
constexpr std::array<int, 5> kRings{6, 4, 12, 8, 10};  // circle, square, diamond, triangle, triangle down

using Points = std::vector<std::vector<double>>;

/// Flags of the shown runs, the commonest first, as in the warnings.
std::vector<std::string> flags_of(const Study& study, const std::vector<RepeatPoint>& points) {
  std::vector<std::string> names;
  for (const FlagCount& flag : study.flags) {
    const bool shown = std::any_of(points.begin(), points.end(), [&](const RepeatPoint& point) {
      return std::find(point.run->flags.begin(), point.run->flags.end(), flag.flag) != point.run->flags.end();
    });
    if (shown) names.push_back(flag.flag);
  }
  return names;
}

int ring_of(size_t flag) { return kRings[std::min(flag, kRings.size() - 1)]; }

void add_runs(Plot& plot, const Study& study, const ColourKey& key, const std::vector<RepeatPoint>& points) {
  std::vector<Points> by_series(study.by_model.size());
  for (const RepeatPoint& point : points)
    by_series[colour_of(study, key, *point.run)].push_back({static_cast<double>(point.run->order) + 1, point.percent});
  for (size_t i = 0; i < by_series.size(); ++i) {
    if (by_series[i].empty()) continue;
    plot.data(fmt::format("order{}", i), by_series[i]);
    plot.element(fmt::format("$order{} using 1:2 with points pt {} ps 1.4 lc rgb '{}' notitle", i, key.marks[i].point_type,
                             translucent(key.marks[i])));
  }
}

void add_flags(Plot& plot, const std::vector<std::string>& flags, const std::vector<RepeatPoint>& points) {
  for (size_t f = 0; f < flags.size(); ++f) {
    Points flagged;
    for (const RepeatPoint& point : points) {
      if (std::find(point.run->flags.begin(), point.run->flags.end(), flags[f]) != point.run->flags.end())
        flagged.push_back({static_cast<double>(point.run->order) + 1, point.percent});
    }
    plot.data(fmt::format("flag{}", f), flagged);
    plot.element(fmt::format("$flag{} using 1:2 with points pt {} ps {} lw 1.6 lc rgb 'black' notitle", f, ring_of(f),
                             shortest(2.4 + 0.5 * static_cast<double>(f))));
  }
}

/// A thin line before the first run of each block but the first.
void add_blocks(Plot& plot, const std::vector<RepeatPoint>& points) {
  std::map<int, int> first;
  for (const RepeatPoint& point : points) {
    const auto [at, added] = first.try_emplace(point.run->block, point.run->order);
    if (!added) at->second = std::min(at->second, point.run->order);
  }
  if (first.size() > 60) return;
  for (auto block = std::next(first.begin()); block != first.end(); ++block) {
    const std::string x = shortest(static_cast<double>(block->second) + 0.5);
    plot.line(fmt::format("set arrow from first {0}, graph 0 to first {0}, graph 1 nohead dt 3 lc rgb '#A0A0A0' lw 1", x));
  }
}

std::string drift_text(const Study& study) {
  if (!study.drift_percent_session) return "";
  const std::string drift = fmt::format("{:+.2f} %", *study.drift_percent_session);
  if (!study.drift_session_ci95) return fmt::format(" Drift over the session: {} (too few runs for an interval).", drift);
  return fmt::format(" Drift over the session: {} [{:+.2f}, {:+.2f}].", drift, study.drift_session_ci95->low,
                     study.drift_session_ci95->high);
}

}  // namespace

Figure run_order_figure(const Study& study, const Canvas& canvas) {
  const std::vector<RepeatPoint> points = repeat_points(study);
  if (points.empty()) return {};
  const std::string title = "The runs in the order of their execution";
  const ColourKey key = series_key(study);
  const std::vector<std::string> flags = flags_of(study, points);
  ColourKey legend = key;
  for (size_t f = 0; f < flags.size(); ++f) {
    legend.names.push_back("flag: " + flags[f]);
    legend.marks.push_back({"#000000", ring_of(f)});
  }
  const char* outlined = flags.empty() ? "No run shown is flagged." : "An outline around a mark: the run carries that flag.";
  Plot plot(study, title,
            fmt::format("Each mark is one run's latency against the mean of its cell. Dotted: where a block begins. {}{}",
                        outlined, drift_text(study)),
            height_with_legend(legend, canvas), canvas);
  const double bottom = plot.legend(legend);
  double largest = 0.1;
  int last = 0;
  for (const RepeatPoint& point : points) {
    largest = std::max(largest, std::abs(point.percent));
    last = std::max(last, point.run->order + 1);
  }
  plot.area(140, 50, plot.head() + 34, bottom);
  plot.line(fmt::format("set xrange [0:{}]", last + 1));
  plot.line(fmt::format("set yrange [{}:{}]", shortest(-1.12 * largest), shortest(1.12 * largest)));
  plot.line("set xlabel 'Order of execution' font 'DejaVu Sans,16'").line("unset key");
  plot.line(fmt::format("set ylabel '{}' font 'DejaVu Sans,16' offset 0.5,0",
                        canvas.has_words ? "Latency against the mean of its cell (%)" : "Latency, % off its cell"));
  plot.line("set arrow from graph 0, first 0 to graph 1, first 0 nohead lc rgb '#808080' lw 1");
  add_blocks(plot, points);
  add_runs(plot, study, key, points);
  add_flags(plot, flags, points);
  plot.draw();
  return {"07_run_order", title, plot.height(), plot.take(), {"runs.csv", "variability.csv"}};
}

}  // namespace ifm
