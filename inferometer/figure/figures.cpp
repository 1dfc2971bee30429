#include "inferometer/figure/figures.h"

#include <fmt/format.h>

#include "inferometer/figure/parts.h"
#include "inferometer/figure/plot.h"
#include "inferometer/render/escape.h"

namespace ifm {

std::vector<Figure> figures(const Study& study) {
  if (timed_runs(study).empty()) return {};
  std::vector<Figure> all{metric_by_model_figure(study, "01_latency_by_model", "latency_s"),
                          metric_by_model_figure(study, "02_throughput_by_model", "throughput_tok_per_s"),
                          latency_vs_tokens_figure(study),
                          temperature_figure(study),
                          distribution_figure(study),
                          variability_figure(study),
                          run_order_figure(study),
                          speeds_figure(study),
                          roofline_figure(study)};
  std::erase_if(all, [](const Figure& figure) { return figure.body.empty(); });
  return all;
}

std::vector<Figure> column_figures(const Study& study) {
  if (timed_runs(study).empty()) return {};
  std::vector<Figure> all{metric_by_model_figure(study, "01_latency_by_model", "latency_s", kColumn),
                          metric_by_model_figure(study, "02_throughput_by_model", "throughput_tok_per_s", kColumn),
                          latency_vs_tokens_figure(study, kColumn), run_order_figure(study, kColumn),
                          roofline_figure(study, kColumn)};
  std::erase_if(all, [](const Figure& figure) { return figure.body.empty(); });
  for (Figure& figure : all) figure.width = kColumn.width;
  return all;
}

std::string gnuplot_script(const Figure& figure, FigureFormat format, const std::string& output) {
  // The svg terminal takes a font size in pixels, pngcairo in points of 1/72 inch at 96 dpi.
  struct Terminal {
    const char* options;
    int width, height;
    double letters, lines, marks;
  };
  const Terminal terminal = [&]() -> Terminal {
    switch (format) {
      case FigureFormat::svg:
        return {"svg dynamic", figure.width, figure.height, 4.0 / 3, 1.5, 1};
      case FigureFormat::slide:
        return {"pngcairo", 1920, 1080, 1.2, 1.8, 1.2};
      case FigureFormat::column:  // 85 mm at 300 dpi
        return {"pngcairo", figure.width * 3 / 2, figure.height * 3 / 2, 1.5, 2.2, 1.2};
      case FigureFormat::png:
        break;
    }
    return {"pngcairo", figure.width, figure.height, 1, 1.5, 1};
  }();
  return fmt::format(
      "set terminal {} background rgb 'white' noenhanced size {},{} font 'DejaVu Sans,16' fontscale {:.4f} linewidth {}{}\n"
      "set output {}\n{}unset output\n",
      terminal.options, terminal.width, terminal.height, terminal.letters, terminal.lines,
      format == FigureFormat::svg ? "" : fmt::format(" pointscale {}", terminal.marks), quote_gnuplot(output), figure.body);
}

}  // namespace ifm
