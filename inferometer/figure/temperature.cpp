#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <tuple>

#include <fmt/format.h>

#include "inferometer/figure/parts.h"
#include "inferometer/figure/plot.h"

namespace ifm {
namespace {

/// A run's latency against the geometric mean of its matched runs at the lowest temperature, in per cent.
struct Deviation {
  const Run* run = nullptr;
  double percent = 0;
};

using Match = std::tuple<size_t, std::string, int>;  // series, prompt, output length

Match match_of(const Study& study, const Run& run) { return {series_of(study, run).value_or(0), run.prompt, run.max_tokens}; }

std::vector<Deviation> deviations(const Study& study, double lowest) {
  std::map<Match, std::pair<double, int>> baseline;  // sum of logs, n
  for (const Run* run : timed_runs(study)) {
    if (run->temperature != lowest) continue;
    auto& [sum, n] = baseline[match_of(study, *run)];
    sum += std::log(*run->metrics.e2e_s);
    ++n;
  }
  std::vector<Deviation> all;
  for (const Run* run : timed_runs(study)) {
    const auto found = baseline.find(match_of(study, *run));
    if (found == baseline.end()) continue;
    const double log_ratio = std::log(*run->metrics.e2e_s) - found->second.first / found->second.second;
    all.push_back({run, std::expm1(log_ratio) * 100});
  }
  return all;
}

std::vector<double> temperatures_of(const Study& study) {
  std::vector<double> levels;
  for (const Run* run : timed_runs(study)) {
    if (std::find(levels.begin(), levels.end(), run->temperature) == levels.end()) levels.push_back(run->temperature);
  }
  std::sort(levels.begin(), levels.end());
  return levels;
}

const TemperatureEffect* latency_effect(const Study& study, double high) {
  for (const TemperatureEffect& effect : study.temperature) {
    if (effect.series.empty() && effect.metric == "latency_s" && effect.high == high && effect.ratio) return &effect;
  }
  return nullptr;
}

/// Points of one colour, at the temperatures as places 0, 1, …
void add_points(Plot& plot, const Study& study, const ColourKey& key, const std::vector<Deviation>& all,
                const std::vector<double>& levels) {
  const double lane = 0.7 / static_cast<double>(std::max<size_t>(1, key.names.size()));
  for (size_t c = 0; c < key.names.size(); ++c) {
    std::vector<std::vector<double>> points;
    for (const Deviation& d : all) {
      if (colour_of(study, key, *d.run) != c) continue;
      const auto place = std::find(levels.begin(), levels.end(), d.run->temperature) - levels.begin();
      const double centre = (static_cast<double>(c) - static_cast<double>(key.names.size() - 1) / 2) * lane;
      points.push_back({static_cast<double>(place) + centre + 0.7 * lane * jitter(points.size()), d.percent});
    }
    if (points.empty()) continue;
    const Mark& mark = key.marks[c];
    plot.data(fmt::format("runs{}", c), points);
    plot.element(
        fmt::format("$runs{} using 1:2 with points pt {} ps 1.4 lc rgb '{}' notitle", c, mark.point_type, translucent(mark)));
  }
}

void add_margin_band(Plot& plot, const char* low_corner, const char* high_corner) {
  plot.line(fmt::format("set object rectangle from {} to {} behind fc rgb '#EDEDED' fs solid noborder", low_corner, high_corner));
}

void runs_panel(Plot& plot, const Study& study, const std::vector<double>& levels, double margin_percent, double right,
                double bottom) {
  const ColourKey key = colour_key(study);
  const std::vector<Deviation> all = deviations(study, levels.front());
  double low = -1.5 * margin_percent;
  double high = 1.5 * margin_percent;
  for (const Deviation& d : all) {
    low = std::min(low, d.percent);
    high = std::max(high, d.percent);
  }
  const double room = 0.06 * (high - low);
  plot.area(140, right, plot.head() + 34, bottom);
  plot.line(fmt::format("set xrange [-0.5:{}]", shortest(static_cast<double>(levels.size()) - 0.5)));
  plot.line(fmt::format("set yrange [{}:{}]", shortest(low - room), shortest(high + room)));
  std::string tics;
  for (size_t i = 0; i < levels.size(); ++i) tics += fmt::format("{}'{}' {}", i == 0 ? "" : ", ", shortest(levels[i]), i);
  plot.line(fmt::format("set xtics scale 0 ({})", tics)).line("set grid ytics noxtics");
  plot.line("set xlabel 'Temperature' font 'DejaVu Sans,16'");
  plot.line(fmt::format("set ylabel 'Latency against temperature {} (%)' font 'DejaVu Sans,16' offset 0.5,0",
                        shortest(levels.front())));
  plot.line("unset key");
  add_margin_band(plot, fmt::format("graph 0, first {}", shortest(-margin_percent)).c_str(),
                  fmt::format("graph 1, first {}", shortest(margin_percent)).c_str());
  add_points(plot, study, key, all, levels);
  std::vector<std::vector<double>> means;
  if (levels.size() > 1) means.push_back({0, 0, 0, 0});
  for (size_t i = 1; i < levels.size(); ++i) {
    const TemperatureEffect* effect = latency_effect(study, levels[i]);
    if (effect == nullptr) continue;
    const Interval ci = effect->ratio_ci95.value_or(Interval{*effect->ratio, *effect->ratio});
    means.push_back({static_cast<double>(i), (*effect->ratio - 1) * 100, (ci.low - 1) * 100, (ci.high - 1) * 100});
  }
  plot.data("means", means);
  if (!means.empty()) plot.element("$means using ($1-0.42):2:(0.84):(0) with vectors nohead lw 2.5 lc rgb 'black' notitle");
  if (!means.empty()) plot.element("$means using 1:2:3:4 with yerrorbars pt 7 ps 0.6 lw 2.5 lc rgb 'black' notitle");
  plot.draw();
}

/// One row per metric and temperature: the effect with its intervals.
void effects_panel(Plot& plot, const std::vector<const TemperatureEffect*>& effects, double margin_percent, double bottom) {
  double largest = 1.5 * margin_percent;
  std::vector<std::vector<double>> rows;
  std::string tics;
  for (size_t i = 0; i < effects.size(); ++i) {
    const TemperatureEffect& e = *effects[i];
    const Interval wide = e.ratio_ci95.value_or(Interval{*e.ratio, *e.ratio});
    const Interval narrow = e.ratio_ci90.value_or(wide);
    rows.push_back({(*e.ratio - 1) * 100, static_cast<double>(i), (wide.low - 1) * 100, (wide.high - 1) * 100,
                    (narrow.low - 1) * 100, (narrow.high - 1) * 100});
    largest = std::max({largest, std::abs(rows.back()[2]), std::abs(rows.back()[3])});
  }
  plot.line("unset label").line("unset object").line("unset ylabel").line("unset key");
  plot.area(1010, 60, plot.head() + 34, bottom);
  plot.line(fmt::format("set xrange [{}:{}]", shortest(-1.15 * largest), shortest(1.15 * largest)));
  plot.line(fmt::format("set yrange [{}:-0.7]", shortest(static_cast<double>(effects.size()) - 0.3)));
  plot.line("set xtics autofreq scale 0.6").line("set grid xtics noytics").line("set border 1").line("unset ytics");
  plot.line("set xlabel 'Change (%)' font 'DejaVu Sans,16'");
  add_margin_band(plot, fmt::format("first {}, graph 0", shortest(-margin_percent)).c_str(),
                  fmt::format("first {}, graph 1", shortest(margin_percent)).c_str());
  plot.line("set arrow from first 0, graph 0 to first 0, graph 1 nohead lc rgb '#808080' lw 1");
  for (size_t i = 0; i < effects.size(); ++i) {
    const TemperatureEffect& e = *effects[i];
    plot.label(metric_name(e.metric), fmt::format("screen 0.622, first {}", i),
               "right offset 0,0.55 font 'DejaVu Sans,15' textcolor rgb '#101010'");
    plot.label(fmt::format("{} / {}: {}", shortest(e.high), shortest(e.low), to_string(e.verdict)),
               fmt::format("screen 0.622, first {}", i), "right offset 0,-0.55 font 'DejaVu Sans,12' textcolor rgb '#505050'");
  }
  plot.data("effects", rows);
  plot.element("$effects using 1:2:3:4 with xerrorbars pt 0 lw 2 lc rgb 'black'");
  plot.element("$effects using 5:2:($6-$5):(0) with vectors nohead lw 6 lc rgb '#0072B2'");
  plot.element("$effects using 1:2 with points pt 7 ps 1.8 lc rgb 'black'");
  plot.draw();
}

/// The effects over all series, of as many metrics as the panel has room for.
std::vector<const TemperatureEffect*> shown_effects(const Study& study, size_t levels) {
  constexpr size_t kRows = 9;
  const size_t metrics = std::max<size_t>(1, kRows / std::max<size_t>(1, levels - 1));
  std::vector<std::string> seen;
  std::vector<const TemperatureEffect*> effects;
  for (const TemperatureEffect& effect : study.temperature) {
    if (!effect.series.empty() || !effect.ratio || effect.verdict == Equivalence::not_applicable) continue;
    if (std::find(seen.begin(), seen.end(), effect.metric) == seen.end()) seen.push_back(effect.metric);
    if (seen.size() <= metrics) effects.push_back(&effect);
  }
  return effects;
}

}  // namespace

Figure temperature_figure(const Study& study) {
  const std::vector<double> levels = temperatures_of(study);
  const std::vector<const TemperatureEffect*> effects = shown_effects(study, levels.size());
  const double margin_percent = study.session.plan.equivalence_margin * 100;
  const bool one = levels.size() < 2;
  const std::string title = one ? "One temperature: each run's latency against the runs like it" : "Effect of the temperature";
  const char* shown = " Line across: the mean effect. Right: 95 % (thin) and 90 % (thick) intervals.";
  if (effects.empty()) shown = " No effect is shown: fewer than two matched pairs of runs, or other lengths.";
  if (one) shown = " No interval: there is no other temperature.";
  const std::string subtitle = fmt::format(
      "{} mark is one run against the runs of its prompt and length at temperature {}; shaded: ±{} %, the margin within which "
      "effects count as equal.{}",
      effects.empty() ? "Each" : "Left: each", shortest(levels.front()), significant(margin_percent, 2), shown);
  Plot plot(study, title, subtitle, height_with_legend(colour_key(study)));
  if (!effects.empty()) plot.line("set multiplot");
  const double bottom = plot.legend(colour_key(study));
  runs_panel(plot, study, levels, margin_percent, effects.empty() ? 50 : 840, bottom);
  if (!effects.empty()) {
    effects_panel(plot, effects, margin_percent, bottom);
    plot.line("unset multiplot");
  }
  return {"04_temperature_effect", title, plot.height(), plot.take(), {"runs.csv", "temperature_effect.csv"}};
}

}  // namespace ifm
