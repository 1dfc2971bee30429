#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "inferometer/analysis/study.h"
#include "inferometer/render/metric_info.h"

namespace ifm {

/// Look of one series or level: differs in hue or luminance, and in shape. Palette: Okabe and Ito, 2008.
struct Mark {
  std::string colour;  ///< "#rrggbb"
  int point_type = 7;  ///< gnuplot's number of a filled shape
};
[[nodiscard]] Mark mark_of(size_t index);
/// The look of a series (a position in by_model) in every figure of the study. With several engines each has one colour, and its
/// series are shades of it; with one engine each series has a colour.
[[nodiscard]] Mark series_mark(const Study& study, size_t series);
/// The look of an output length (a position in by_max_tokens) where one series is shown: shades of its colour, light to dark.
[[nodiscard]] Mark length_mark(const Study& study, size_t length);
/// The mark's colour with some transparency, as gnuplot's #aarrggbb.
[[nodiscard]] std::string translucent(const Mark& mark);

/// Place number `index` of a row of points in (-0.5, 0.5): spread evenly, the same each time (golden-ratio sequence).
[[nodiscard]] double jitter(size_t index);

/// The runs that count in figures, in execution order.
[[nodiscard]] std::vector<const Run*> timed_runs(const Study& study);

/// Where a figure is to stand.
struct Canvas {
  int width = 1600;       ///< pixels
  int less_height = 0;    ///< so many fewer than a page has
  bool has_words = true;  ///< title, what the marks mean, caption; else the text around the figure says it
};
/// In one column of a paper.
inline constexpr Canvas kColumn{.width = 680, .less_height = 500, .has_words = false};

/// By what points are coloured, and how each looks.
struct ColourKey {
  std::vector<std::string> names;
  std::vector<Mark> marks;
  bool by_series = false;
};
/// The output lengths when there is one series, else the series.
[[nodiscard]] ColourKey colour_key(const Study& study);
/// The series, one too.
[[nodiscard]] ColourKey series_key(const Study& study);
/// The height of a figure, so that its colour key does not take the plot's place: on a page 1000 and more.
[[nodiscard]] int height_with_legend(const ColourKey& key, const Canvas& canvas = {});
/// The latency of every timed run relative to the mean of its cell, by run in execution order; cells with one run say nothing.
struct RepeatPoint {
  const Run* run = nullptr;
  double percent = 0;
};
[[nodiscard]] std::vector<RepeatPoint> repeat_points(const Study& study);
/// The position of a run in the colour key; 0 when it has none.
[[nodiscard]] size_t colour_of(const Study& study, const ColourKey& key, const Run& run);

/// Gnuplot commands in the making.
class Plot {
 public:
  /// Heads the figure: title, what the marks mean, and the line of runs, machine, model and engine below.
  Plot(const Study& study, const std::string& title, const std::string& subtitle, int height = 1000, const Canvas& canvas = {});
  /// The same with another line below.
  Plot(const std::string& title, const std::string& subtitle, const std::string& caption, int height, const Canvas& canvas = {});

  Plot& line(std::string_view command);
  /// A named data block; rows of numbers.
  Plot& data(const std::string& name, const std::vector<std::vector<double>>& rows);
  /// Text at a place in gnuplot's coordinates ("graph 0.5, first 2").
  Plot& label(const std::string& text, const std::string& place, const std::string& options);
  /// Plot area between screen coordinates measured in pixels of a 1600-wide figure from left, right, top and bottom.
  Plot& area(double left, double right, double top, double bottom);
  /// The x axis of values from `low` (of those above 0) to `high`: from 0, or logarithmic where the small ones could not be told
  /// apart.
  Plot& value_axis(double low, double high, const std::string& name, const std::string& unit);
  /// Pixels from the bottom that the caption takes.
  [[nodiscard]] double foot() const { return foot_; }
  /// Pixels from the top that title and subtitle take.
  [[nodiscard]] double head() const { return head_; }
  /// The colour key in as many columns as fit, above the caption; returns the pixels from the bottom that lie below the plot's
  /// axis then.
  [[nodiscard]] double legend(const ColourKey& key);
  /// Collects one element of the next `plot` command.
  Plot& element(std::string element);
  /// Writes `plot` with the collected elements.
  Plot& draw();

  [[nodiscard]] std::string take() { return std::move(text_); }
  [[nodiscard]] int height() const { return height_; }

 private:
  Canvas canvas_;
  int height_;
  double head_ = 0;
  double foot_ = 0;  ///< pixels from the bottom that the caption takes
  std::string text_;
  std::vector<std::string> elements_;
};

/// The grey line below a figure: runs, machine, models, engines, session.
[[nodiscard]] std::string figure_caption(const Study& study);

}  // namespace ifm
