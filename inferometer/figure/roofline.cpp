#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "inferometer/figure/parts.h"
#include "inferometer/figure/plot.h"

namespace ifm {
namespace {

using Phase = RooflinePoint::Phase;

constexpr int kPrefillShape = 5;  // square
constexpr int kDecodeShape = 7;   // circle

struct Frame {
  double left = 0, right = 0, low = 0, high = 0;
};

/// All points, and where memory's slope meets the peak.
Frame frame_of(const Study& study, double ridge, double peak) {
  Frame frame{ridge, ridge, peak, peak};
  for (const RooflinePoint& point : study.roofline) {
    frame.left = std::min(frame.left, point.macs_per_byte);
    frame.right = std::max(frame.right, point.macs_per_byte);
    frame.low = std::min(frame.low, point.gmac_per_s);
    frame.high = std::max(frame.high, point.gmac_per_s);
  }
  return {frame.left / 3, frame.right * 3, frame.low / 2.5, frame.high * 1.8};
}

size_t series_index(const Study& study, const std::string& label) {
  const auto found = std::ranges::find_if(study.by_model, [&](const Group& group) { return group.label == label; });
  return static_cast<size_t>(found - study.by_model.begin());
}

/// "prompt 0.70, decode 0.93": the shares of the limit that a series reaches; empty where it has no point.
std::string shares_of(const Study& study, const std::string& series) {
  std::string text;
  for (const RooflinePoint& point : study.roofline) {
    if (point.series != series) continue;
    const char* phase = point.phase == Phase::prefill ? "prompt" : "decode";
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", phase, decimal(point.share(), 2));
  }
  return text;
}

/// The points of a phase, each in its series' colour.
void add_points(Plot& plot, const Study& study, Phase phase) {
  for (size_t i = 0; i < study.roofline.size(); ++i) {
    const RooflinePoint& point = study.roofline[i];
    if (point.phase != phase) continue;
    const std::string name = fmt::format("point{}", i);
    const std::string colour = series_mark(study, series_index(study, point.series)).colour;
    plot.data(name, {{point.macs_per_byte, point.gmac_per_s, point.limit_gmac_per_s}});
    // How far it is to the limit.
    plot.element(fmt::format("${} using 1:2:(0):($3-$2) with vectors nohead dt 3 lw 1.2 lc rgb '#808080' notitle", name));
    plot.element(fmt::format("${} using 1:2 with points pt {} ps 2.4 lc rgb '{}' notitle", name,
                             phase == Phase::prefill ? kPrefillShape : kDecodeShape, colour));
  }
}

/// Memory's slope and the peak, with what they are.
void add_roof(Plot& plot, const Frame& frame, double read_gb_per_s, double peak, const Canvas& canvas) {
  const double ridge = peak / read_gb_per_s;
  plot.data("roof", {{frame.left, read_gb_per_s * frame.left}, {ridge, peak}, {frame.right, peak}});
  plot.element("$roof using 1:2 with lines lw 3 lc rgb '#404040' notitle");
  plot.label(fmt::format("int8 peak {} GMAC/s", significant(peak)), fmt::format("graph 0.985, first {}", shortest(peak)),
             "right offset 0,0.7 font 'DejaVu Sans,14' textcolor rgb '#404040'");
  plot.label(fmt::format("memory {} GB/s", significant(read_gb_per_s)),
             fmt::format("first {}, first {}", shortest(std::sqrt(frame.left * ridge)),
                         shortest(read_gb_per_s * std::sqrt(frame.left * ridge))),
             fmt::format("{} font 'DejaVu Sans,14' textcolor rgb '#404040'",
                         canvas.has_words ? "right offset -1.2,0.8"
                                          : "left offset 1.2,-0.8"));  // left of the slope is no room in a column
}

}  // namespace

Figure roofline_figure(const Study& study, const Canvas& canvas) {
  if (study.roofline.empty()) return {};
  const double read_gb_per_s = *study.session.environment.read_gb_per_s;
  const double peak = *study.session.environment.int8_gmac_per_s;
  const std::string title = "Roofline: what is computed, below what this machine can do";
  ColourKey key;
  for (size_t i = 0; i < study.by_model.size(); ++i) {
    const std::string shares = shares_of(study, study.by_model[i].label);
    if (shares.empty()) continue;
    key.names.push_back(fmt::format("{}: {}", study.by_model[i].label, shares));
    key.marks.push_back({series_mark(study, i).colour, kDecodeShape});
  }
  Plot plot(
      study, title,
      "Multiply-adds of the model a second over multiply-adds per byte that must be read, both logarithmic. Square: reading a "
      "prompt; circle: decoding. Line: the limits measured at the session's start; below: the share of them that is reached "
      "(dotted: what is left). Means of a series' runs.",
      height_with_legend(key, canvas), canvas);
  const double bottom = plot.legend(key);
  const Frame frame = frame_of(study, peak / read_gb_per_s, peak);
  plot.area(140, 60, plot.head() + 40, bottom);
  plot.line("set logscale xy 10").line("unset key");
  plot.line(fmt::format("set xrange [{}:{}]", shortest(frame.left), shortest(frame.right)));
  plot.line(fmt::format("set yrange [{}:{}]", shortest(frame.low), shortest(frame.high)));
  plot.line("set xlabel 'Multiply-adds per byte of weights and cache' font 'DejaVu Sans,16'");
  plot.line("set ylabel '10^9 multiply-adds per second' font 'DejaVu Sans,16' offset 0.5,0");
  add_roof(plot, frame, read_gb_per_s, peak, canvas);
  add_points(plot, study, Phase::prefill);
  add_points(plot, study, Phase::decode);
  plot.draw();
  return {"09_roofline", title, plot.height(), plot.take(), {"roofline.csv"}};
}

}  // namespace ifm
