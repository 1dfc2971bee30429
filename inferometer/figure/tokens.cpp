#include <algorithm>
#include <array>
#include <string>

#include <fmt/format.h>

#include "inferometer/figure/parts.h"
#include "inferometer/figure/plot.h"

namespace ifm {
namespace {

struct Range {
  double max_tokens = 0;
  double max_s = 0;
  Scale scale;  ///< of latencies
};

Range range_of(const std::vector<const Run*>& runs) {
  Range range;
  for (const Run* run : runs) {
    range.max_tokens = std::max(range.max_tokens, static_cast<double>(run->output_tokens.value_or(0)));
    range.max_s = std::max(range.max_s, *run->metrics.e2e_s);
  }
  range.scale = scale_of_seconds(std::array{range.max_s});
  return range;
}

const Scaling* fit_of(const Study& study, const std::string& series) {
  const auto found =
      std::find_if(study.scaling.begin(), study.scaling.end(), [&](const Scaling& fit) { return fit.series == series; });
  return found == study.scaling.end() || !found->per_token_s || !found->fixed_s ? nullptr : &*found;
}

/// "0.05 s + 9.8 ms per token", with what is known of the uncertainty of the slope.
std::string fit_text(const Scaling& fit) {
  const Scale slope = scale_of_seconds(std::array{*fit.per_token_s});
  std::string text = fmt::format("{} + {} per token", duration_text(fit.fixed_s), slope.with_unit(fit.per_token_s));
  if (fit.per_token_ci95) text.append(" ").append(interval_text(fit.per_token_ci95, slope));
  return text;
}

/// Pixels are few where many series stand beside one token count: how far each is from the next, in tokens. All of them stay well
/// nearer to their length than to 0 or to the next length.
double dodge_step(const Study& study, const Range& range) {
  double room = range.max_tokens;
  double before = 0;
  for (const Group& length : study.by_max_tokens) {
    const double tokens = std::stod(level_of(length, "max_tokens"));
    room = std::min(room, tokens - before);
    before = tokens;
  }
  return std::min(0.016 * range.max_tokens, 0.4 * room / static_cast<double>(std::max<size_t>(1, study.by_model.size())));
}

/// A series in the colour key: with its line where it has one.
std::string key_text(const Study& study, const Group& series) {
  const Scaling* fit = fit_of(study, series.label);
  return fit == nullptr ? series.label : fmt::format("{}: {}", series.label, fit_text(*fit));
}

/// The line's 95 % interval where it is known: at no tokens, and at the shortest and the longest output.
void add_band(Plot& plot, const Scaling& fit, const Mark& mark, size_t index, double factor) {
  if (!fit.fixed_ci95 || !fit.shortest_ci95 || !fit.longest_ci95 || !(fit.shortest_ci95->low > 0) || !(fit.longest_ci95->low > 0))
    return;
  const double least = fit.min_tokens;
  const double most = fit.max_tokens;
  plot.data(fmt::format("band{}", index),
            {{0, fit.fixed_ci95->low * factor, fit.fixed_ci95->high * factor},
             {least, factor * least / fit.shortest_ci95->high, factor * least / fit.shortest_ci95->low},
             {most, factor * most / fit.longest_ci95->high, factor * most / fit.longest_ci95->low}});
  plot.element(fmt::format("$band{} using 1:2:3 with filledcurves fs transparent solid 0.18 noborder lc rgb '{}' notitle", index,
                           mark.colour));
}

void add_series(Plot& plot, const Study& study, size_t index, const Range& range) {
  const Group& series = study.by_model[index];
  const size_t count = study.by_model.size();
  const double step = dodge_step(study, range);
  const double shift = (static_cast<double>(index) - static_cast<double>(count - 1) / 2) * step;
  const double width = count < 2 ? 0.03 * range.max_tokens : 0.75 * step;
  std::vector<std::vector<double>> points;
  for (const Run* run : timed_runs(study)) {
    if (!run->output_tokens || series_of(study, *run) != index) continue;
    points.push_back({static_cast<double>(*run->output_tokens) + shift + width * jitter(points.size()),
                      *run->metrics.e2e_s * range.scale.factor});
  }
  const Mark mark = series_mark(study, index);
  plot.data(fmt::format("runs{}", index), points);
  const Scaling* fit = fit_of(study, series.label);
  if (fit != nullptr) {
    add_band(plot, *fit, mark, index, range.scale.factor);
    plot.data(fmt::format("fit{}", index),
              {{0, *fit->fixed_s * range.scale.factor},
               {range.max_tokens * 1.06, (*fit->fixed_s + *fit->per_token_s * range.max_tokens * 1.06) * range.scale.factor}});
    plot.element(fmt::format("$fit{} using 1:2 with lines lw 2 dt {} lc rgb '{}' notitle", index, index % 5 + 1, mark.colour));
  }
  if (!points.empty()) {
    plot.element(
        fmt::format("$runs{} using 1:2 with points pt {} ps 1.5 lc rgb '{}' notitle", index, mark.point_type, translucent(mark)));
  }
  std::vector<std::vector<double>> means;
  for (const Group& group : study.by_series_max_tokens) {
    if (series_of(study, group) != index || !group.latency_s.mean || !group.latency_s.ci95) continue;
    const double factor = range.scale.factor;
    means.push_back({std::stod(level_of(group, "max_tokens")) + shift, *group.latency_s.mean * factor,
                     group.latency_s.ci95->low * factor, group.latency_s.ci95->high * factor});
  }
  if (means.empty()) return;
  plot.data(fmt::format("means{}", index), means);
  plot.element(fmt::format("$means{} using 1:2:3:4 with yerrorbars pt 7 ps 0.6 lw 2.5 lc rgb 'black' notitle", index));
}

}  // namespace

Figure latency_vs_tokens_figure(const Study& study, const Canvas& canvas) {
  const std::vector<const Run*> runs = timed_runs(study);
  const Range range = range_of(runs);
  if (range.max_tokens <= 0) return {};
  const bool fitted =
      std::any_of(study.scaling.begin(), study.scaling.end(), [](const Scaling& f) { return f.per_token_s.has_value(); });
  const std::string title =
      fitted ? "Latency grows with output length: a fixed part and a price per token" : "Latency and output length";
  std::string subtitle = "Each mark is one run, spread sideways so that all are seen. ";
  subtitle += fitted ? "Line: fixed + per token × tokens, fitted; band: its 95 % interval; in brackets: that of the slope. "
                     : "No line: one output length, or under three runs. ";
  subtitle +=
      study.overall.latency_s.ci95 ? "Whiskers: 95 % interval of a mean." : "No interval of a mean: no cell was repeated.";
  ColourKey key = series_key(study);
  for (size_t i = 0; i < key.names.size(); ++i) key.names[i] = key_text(study, study.by_model[i]);
  Plot plot(study, title, subtitle, height_with_legend(key, canvas), canvas);
  const double bottom = plot.legend(key);
  plot.area(140, 50, plot.head() + 30, bottom);
  plot.line(fmt::format("set xrange [0:{}]", shortest(range.max_tokens * 1.06)));
  plot.line(fmt::format("set yrange [0:{}]", shortest(range.max_s * range.scale.factor * 1.1)));
  plot.line("set xlabel 'Output tokens' font 'DejaVu Sans,16'")
      .line(fmt::format("set ylabel 'Latency ({})' font 'DejaVu Sans,16' offset 0.5,0", range.scale.unit));
  plot.line("unset key");
  for (size_t i = 0; i < study.by_model.size(); ++i) add_series(plot, study, i, range);
  plot.draw();
  return {"03_latency_vs_tokens", title, plot.height(), plot.take(), {"runs.csv", "token_scaling.csv", "token_scaling_fit.csv"}};
}

}  // namespace ifm
