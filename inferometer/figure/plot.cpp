#include "inferometer/figure/plot.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include <fmt/format.h>

#include "inferometer/render/display.h"
#include "inferometer/render/document.h"
#include "inferometer/render/escape.h"

namespace ifm {
namespace {

constexpr std::array<const char*, 7> kColours{"#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#404040"};
constexpr std::array<int, 6> kShapes{7, 9, 5, 13, 11, 15};  // circle, triangle, square, diamond, triangle down, pentagon

/// Shade `index` of `count` of a colour, from light to dark; the middle one, and a single one, is the colour itself.
std::string shade(const std::string& colour, size_t index, size_t count) {
  constexpr double kLighter = 0.4;  // towards white: still well seen on it
  constexpr double kDarker = 0.55;  // towards black
  const double place = count < 2 ? 0 : 2 * static_cast<double>(index) / static_cast<double>(count - 1) - 1;
  std::string text = "#";
  for (const size_t at : {1U, 3U, 5U}) {
    const double part = std::stoi(colour.substr(at, 2), nullptr, 16);
    const double target = place < 0 ? 255 : 0;
    text += fmt::format("{:02X}", std::lround(part + (place < 0 ? kLighter : kDarker) * std::abs(place) * (target - part)));
  }
  return text;
}

void add_once(std::vector<std::string>& list, const std::string& text) {
  if (!text.empty() && std::find(list.begin(), list.end(), text) == list.end()) list.push_back(text);
}

std::string listed(const std::vector<std::string>& names, size_t limit) {
  std::string text;
  for (size_t i = 0; i < std::min(names.size(), limit); ++i) text.append(i == 0 ? "" : ", ").append(names[i]);
  if (names.size() > limit) text += fmt::format(" and {} more", names.size() - limit);
  return text;
}

/// 1, 2 and 5 times the powers of ten; powers alone where there are many.
std::string logarithmic_tics(double low, double high) {
  std::string tics;
  for (double power = std::pow(10, std::floor(std::log10(low))); power <= high; power *= 10) {
    for (const double step : {1.0, 2.0, 5.0}) {
      const double value = step * power;
      if (value < low || value > high || (step > 1 && high > 300 * low)) continue;
      tics += fmt::format("{}'{}' {}", tics.empty() ? "" : ", ", significant(value, 1), value);
    }
  }
  return tics;
}

constexpr double kRow = 28;  ///< pixels that a line of the colour key takes

/// Pixels that a column of the colour key takes.
double column_width(const ColourKey& key) {
  constexpr double kLetter = 10.2;  // of 13 point DejaVu Sans on average
  int longest = 0;
  for (const std::string& name : key.names) longest = std::max(longest, display_width(name));
  return longest * kLetter + 60;
}

size_t legend_rows(const ColourKey& key, const Canvas& canvas) {
  const size_t names = std::max<size_t>(1, key.names.size());
  const size_t columns = std::clamp<size_t>(static_cast<size_t>((canvas.width - 100) / column_width(key)), 1, names);
  return (key.names.size() + columns - 1) / columns;
}

}  // namespace

int height_with_legend(const ColourKey& key, const Canvas& canvas) {
  constexpr size_t kUsual = 3;
  const size_t rows = std::max(kUsual, legend_rows(key, canvas));
  return 1000 - canvas.less_height + static_cast<int>(kRow) * static_cast<int>(rows - kUsual);
}

Mark mark_of(size_t index) {
  // Seven colours, six shapes: no two of 42 look the same.
  return {kColours[index % kColours.size()], kShapes[index % kShapes.size()]};
}

Mark series_mark(const Study& study, size_t series) {
  if (study.by_engine.size() < 2 || series >= study.by_model.size()) return mark_of(series);
  const auto engine_of = [](const Group& group) { return level_of(group, "engine"); };
  const std::string engine = engine_of(study.by_model[series]);
  const auto at = std::find_if(study.by_engine.begin(), study.by_engine.end(),
                               [&](const Group& group) { return engine_of(group) == engine; });
  size_t before = 0;
  size_t all = 0;
  for (size_t i = 0; i < study.by_model.size(); ++i) {
    if (engine_of(study.by_model[i]) != engine) continue;
    before += i < series ? 1 : 0;
    ++all;
  }
  const Mark engine_mark = mark_of(static_cast<size_t>(at - study.by_engine.begin()));
  return {shade(engine_mark.colour, before, all), mark_of(series).point_type};
}

Mark length_mark(const Study& study, size_t length) {
  return {shade(series_mark(study, 0).colour, length, study.by_max_tokens.size()), mark_of(length).point_type};
}

std::string translucent(const Mark& mark) { return fmt::format("#50{}", std::string_view(mark.colour).substr(1)); }

double jitter(size_t index) {
  const double place = static_cast<double>(index + 1) * 0.61803398874989485;
  return place - std::floor(place) - 0.5;
}

std::vector<const Run*> timed_runs(const Study& study) {
  std::vector<const Run*> runs;
  for (const Run& run : study.runs) {
    if (is_timed(run) && run.metrics.e2e_s) runs.push_back(&run);
  }
  return runs;
}

ColourKey series_key(const Study& study) {
  ColourKey key{.by_series = true};
  for (size_t i = 0; i < study.by_model.size(); ++i) {
    key.names.push_back(study.by_model[i].label);
    key.marks.push_back(series_mark(study, i));
  }
  return key;
}

ColourKey colour_key(const Study& study) {
  if (study.by_model.size() > 1) return series_key(study);
  ColourKey key;
  for (size_t i = 0; i < study.by_max_tokens.size(); ++i) {
    key.names.push_back(study.by_max_tokens[i].label + " tokens");
    key.marks.push_back(length_mark(study, i));
  }
  return key;
}

size_t colour_of(const Study& study, const ColourKey& key, const Run& run) {
  if (key.by_series) return series_of(study, run).value_or(0);
  for (size_t i = 0; i < study.by_max_tokens.size(); ++i) {
    if (belongs_to(run, study.by_max_tokens[i])) return i;
  }
  return 0;
}

std::vector<RepeatPoint> repeat_points(const Study& study) {
  std::map<int, std::pair<double, int>> cells;
  for (const Run* run : timed_runs(study)) {
    auto& [sum, n] = cells[run->cell];
    sum += *run->metrics.e2e_s;
    ++n;
  }
  std::vector<RepeatPoint> points;
  for (const Run* run : timed_runs(study)) {
    const auto& [sum, n] = cells[run->cell];
    if (n > 1 && sum > 0) points.push_back({run, (*run->metrics.e2e_s / (sum / n) - 1) * 100});
  }
  return points;
}

std::string figure_caption(const Study& study) {
  const Session& session = study.session;
  const Environment& e = session.environment;
  std::vector<std::string> models;
  std::vector<std::string> engines;
  for (const SessionModel& model : session.models) {
    add_once(models, model.model);
    std::string engine = model.engine;
    if (!model.isa.empty()) engine += fmt::format(" ({})", model.isa);
    if (model.threads > 0) engine += fmt::format(", {} thread{}", model.threads, model.threads == 1 ? "" : "s");
    add_once(engines, engine);
  }
  const size_t runs = timed_runs(study).size();
  std::vector<std::string> parts{fmt::format("{} run{}", runs, runs == 1 ? "" : "s")};
  if (study.runs_are_sample) parts[0] += fmt::format(" of {}, evenly spaced", study.runs_ok);
  if (study.runs_failed > 0) parts[0] += fmt::format(" ({} more failed)", study.runs_failed);
  std::string machine = e.cpu;
  if (e.logical_cores) machine += fmt::format("{}{} logical cores", machine.empty() ? "" : ", ", *e.logical_cores);
  for (const std::string& part : {machine, listed(models, 3), listed(engines, 2),
                                  e.inferometer_version.empty() ? "" : "Inferometer " + e.inferometer_version}) {
    if (!part.empty()) parts.push_back(part);
  }
  parts.push_back(fmt::format("{}, session {}", session.plan.name, session.id));
  std::string text;
  for (const std::string& part : parts) text.append(text.empty() ? "" : " · ").append(part);
  return text;
}

Plot::Plot(const Study& study, const std::string& title, const std::string& subtitle, int height, const Canvas& canvas)
    : Plot(title, subtitle, figure_caption(study), height, canvas) {}

Plot::Plot(const std::string& title, const std::string& subtitle, const std::string& caption, int height, const Canvas& canvas)
    : canvas_(canvas), height_(height) {
  line("set encoding utf8").line("set key noenhanced").line("set tics nomirror out scale 0.6 textcolor rgb '#303030'");
  line("set border 3 lc rgb '#808080' lw 1").line("set grid lc rgb '#E4E4E4' lt 1 lw 1").line("set errorbars 0.8");
  line("set format '%g'").line("set style textbox opaque margins 0.6,0.4 fillcolor rgb 'white' noborder");
  if (!canvas.has_words) return;
  const auto at_top = [&](double pixels) { return fmt::format("screen 0.02, screen {:.4f}", 1 - pixels / height_); };
  label(title, at_top(44), "left font 'DejaVu Sans:Bold,21' textcolor rgb '#101010'");
  head_ = 60;
  for (const std::string& text : wrap_text(subtitle, 128, "", "")) {
    head_ += 27;
    label(text, at_top(head_), "left font 'DejaVu Sans,15' textcolor rgb '#505050'");
  }
  // Of the font's widest usual letters 158 fit into a line.
  const std::vector<std::string> lines = wrap_text(caption, 158, "", "");
  for (size_t i = 0; i < lines.size(); ++i) {
    const double above = 22 + 24 * static_cast<double>(lines.size() - 1 - i);
    label(lines[i], fmt::format("screen 0.02, screen {:.4f}", above / height_),
          "left font 'DejaVu Sans,12' textcolor rgb '#606060'");
    foot_ = std::max(foot_, above + 14);
  }
}

double Plot::legend(const ColourKey& key) {
  const double column = column_width(key);
  const size_t rows = legend_rows(key, canvas_);
  for (size_t i = 0; i < key.names.size(); ++i) {
    const double x = (canvas_.has_words ? 150 : 30) + column * static_cast<double>(i / rows);
    const double y = foot_ + 26 + kRow * static_cast<double>(rows - 1 - i % rows);
    const Mark& mark = key.marks[i];
    label(key.names[i], fmt::format("screen {:.4f}, screen {:.4f}", x / canvas_.width, y / height_),
          fmt::format("left offset 1,-0.15 font 'DejaVu Sans,13' textcolor rgb '#303030' point pt {} ps 1.6 lc rgb '{}'",
                      mark.point_type, mark.colour));
  }
  return foot_ + 111 + kRow * static_cast<double>(rows);
}

Plot& Plot::value_axis(double low, double high, const std::string& name, const std::string& unit) {
  const bool logarithmic = low > 0 && high > 25 * low;
  if (logarithmic) {
    line("set logscale x 10").line(fmt::format("set xtics ({})", logarithmic_tics(low / 1.3, high * 1.05)));
  } else {
    line("unset logscale x").line("set xtics autofreq");
  }
  line(fmt::format("set xrange [{}:{}]", logarithmic ? shortest(low / 1.3) : "0", shortest(high * 1.05)));
  return line(fmt::format("set xlabel {} font 'DejaVu Sans,16'",
                          quote_gnuplot(fmt::format("{} ({}{})", name, unit, logarithmic ? ", logarithmic" : ""))));
}

Plot& Plot::line(std::string_view command) {
  text_ += command;
  text_ += '\n';
  return *this;
}

Plot& Plot::data(const std::string& name, const std::vector<std::vector<double>>& rows) {
  text_ += fmt::format("${} << EOD\n", name);
  for (const std::vector<double>& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) text_.append(i == 0 ? "" : " ").append(shortest(row[i]));
    text_ += '\n';
  }
  return line("EOD");
}

Plot& Plot::label(const std::string& text, const std::string& place, const std::string& options) {
  return line(fmt::format("set label {} at {} {} noenhanced front", quote_gnuplot(text), place, options));
}

Plot& Plot::area(double left, double right, double top, double bottom) {
  line(fmt::format("set lmargin at screen {:.4f}", left / canvas_.width));
  line(fmt::format("set rmargin at screen {:.4f}", 1 - right / canvas_.width));
  line(fmt::format("set tmargin at screen {:.4f}", 1 - top / height_));
  return line(fmt::format("set bmargin at screen {:.4f}", bottom / height_));
}

Plot& Plot::element(std::string element) {
  elements_.push_back(std::move(element));
  return *this;
}

Plot& Plot::draw() {
  text_ += "plot ";
  for (size_t i = 0; i < elements_.size(); ++i) text_.append(i == 0 ? "" : ", \\\n     ").append(elements_[i]);
  elements_.clear();
  return line("");
}

}  // namespace ifm
