#include "inferometer/report/figures.h"

#include <fmt/format.h>

#include "inferometer/report/escape.h"
#include "inferometer/report/figure_parts.h"
#include "inferometer/report/plot.h"

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

std::string gnuplot_script(const Figure& figure, FigureFormat format, const std::string& output) {
  const char* terminal = format == FigureFormat::png ? "pngcairo background rgb 'white'" : "svg dynamic background rgb 'white'";
  // The svg terminal takes a font size in pixels, pngcairo in points of 1/72 inch at 96 dpi.
  return fmt::format(
             "set terminal {} noenhanced size 1600,{} font 'DejaVu Sans,16' fontscale {} linewidth 1.5\nset output {}\n{}",
             terminal, figure.height, format == FigureFormat::png ? "1.0" : "1.3333", quote_gnuplot(output), figure.body) +
         "unset output\n";
}

}  // namespace ifm
