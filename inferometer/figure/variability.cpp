#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/format.h>

#include "inferometer/figure/parts.h"
#include "inferometer/figure/plot.h"
#include "inferometer/render/escape.h"

namespace ifm {
namespace {

constexpr double kLeft = 230;     // pixels of 1600 from the left: where the bars begin
constexpr double kBarsEnd = 930;  // and where they end
constexpr double kNamed = 6;      // per cent: from here on a share's number fits into its part of the bar

struct FactorLook {
  const char* factor;
  const char* colour;
  const char* text_colour;
};

/// Palette: Okabe and Ito, 2008, and greys for what is no factor of the plan.
constexpr std::array<FactorLook, 9> kFactors{{{"max_tokens", "#0072B2", "white"},
                                              {"prompt", "#E69F00", "black"},
                                              {"temperature", "#009E73", "white"},
                                              {"mode", "#56B4E9", "black"},
                                              {"engine", "#CC79A7", "black"},
                                              {"model", "#D55E00", "white"},
                                              {"block", "#F0E442", "black"},
                                              {"interactions", "#707070", "white"},
                                              {"residual", "#D0D0D0", "black"}}};

/// The metrics that have shares, in the order of the tables.
std::vector<const MetricInfo*> metrics_of(const Study& study) {
  std::vector<const MetricInfo*> metrics;
  for (const MetricInfo& metric : kMetrics) {
    if (std::any_of(study.variance.begin(), study.variance.end(), [&](const VarianceShare& s) { return s.metric == metric.key; }))
      metrics.push_back(&metric);
  }
  return metrics;
}

double share_of(const Study& study, std::string_view metric, std::string_view factor) {
  for (const VarianceShare& share : study.variance)
    if (share.metric == metric && share.factor == factor) return share.share;
  return 0;
}

bool occurs(const Study& study, std::string_view factor) {
  return std::any_of(study.variance.begin(), study.variance.end(), [&](const VarianceShare& s) { return s.factor == factor; });
}

/// "2.1 [1.7, 2.6]", in per cent.
std::string spread_text(const MetricSummary& summary) {
  const Interval& ci95 = *summary.cv_within_ci95;
  const int places = ci95.high >= 0.1 ? 1 : 2;
  return fmt::format("{} [{}, {}]", decimal(100 * *summary.cv_within, places), decimal(100 * ci95.low, places),
                     decimal(100 * ci95.high, places));
}

/// Bars: each metric's shares side by side, from 0 to 100 %.
void shares_panel(Plot& plot, const Study& study, const std::vector<const MetricInfo*>& metrics, double bottom) {
  plot.area(kLeft, 1600 - kBarsEnd, plot.head() + 34, bottom);
  plot.line("set xrange [0:100]").line("set border 1").line("set grid xtics noytics").line("unset key");
  plot.line(fmt::format("set yrange [{}:-0.6]", shortest(static_cast<double>(metrics.size()) - 0.4)));
  plot.line("set xlabel 'Share of the variance of the logarithm (%)' font 'DejaVu Sans,16'");
  std::string tics;
  for (size_t i = 0; i < metrics.size(); ++i)
    tics += fmt::format("{}{} {}", tics.empty() ? "" : ", ", quote_gnuplot(metrics[i]->name), i);
  plot.line(fmt::format("set ytics scale 0 ({})", tics));
  std::vector<double> filled(metrics.size(), 0);
  for (size_t f = 0; f < kFactors.size(); ++f) {
    std::vector<std::vector<double>> bars;
    for (size_t i = 0; i < metrics.size(); ++i) {
      const double share = 100 * share_of(study, metrics[i]->key, kFactors[f].factor);
      const double y = static_cast<double>(i);
      if (share <= 0) continue;
      bars.push_back({filled[i] + share / 2, y, filled[i], filled[i] + share, y - 0.3, y + 0.3});
      if (share >= kNamed)
        plot.label(decimal(share, 1), fmt::format("first {}, first {}", shortest(bars.back()[0]), i),
                   fmt::format("center font 'DejaVu Sans,13' textcolor rgb '{}'", kFactors[f].text_colour));
      filled[i] += share;
    }
    if (bars.empty()) continue;
    plot.data(fmt::format("share{}", f), bars);
    plot.element(fmt::format("$share{} using 1:2:3:4:5:6 with boxxyerror fs solid 1 border lc rgb 'white' fc rgb '{}'", f,
                             kFactors[f].colour));
  }
  plot.draw();
}

/// The same rows: the coefficient of variation of repeats, with its interval.
void repeats_panel(Plot& plot, const Study& study, const std::vector<const MetricInfo*>& metrics, double bottom) {
  std::vector<std::vector<double>> rows;
  double largest = 0;
  plot.line("unset label").line("unset ytics");
  for (size_t i = 0; i < metrics.size(); ++i) {
    const MetricSummary& summary = study.overall.*metrics[i]->summary;
    if (!summary.cv_within || !summary.cv_within_ci95) continue;
    const Interval& ci95 = *summary.cv_within_ci95;
    rows.push_back({100 * *summary.cv_within, static_cast<double>(i), 100 * ci95.low, 100 * ci95.high});
    largest = std::max(largest, rows.back()[3]);
    plot.label(spread_text(summary), fmt::format("graph 1.02, first {}", i),
               "left font 'DejaVu Sans,14' textcolor rgb '#101010'");
  }
  if (rows.empty() || largest <= 0) return;
  plot.area(kBarsEnd + 70, 210, plot.head() + 34, bottom);
  plot.line("set xtics autofreq").line(fmt::format("set xrange [0:{}]", shortest(1.08 * largest)));
  plot.line("set xlabel 'Coefficient of variation within cells (%)' font 'DejaVu Sans,16'");
  plot.data("within", rows);
  plot.element("$within using 1:2:3:4 with xerrorbars pt 7 ps 1.4 lw 2 lc rgb 'black'");
  plot.draw();
}

}  // namespace

Figure variability_figure(const Study& study) {
  const std::vector<const MetricInfo*> metrics = metrics_of(study);
  if (metrics.empty()) return {};
  const std::string title = "Where the spread comes from";
  const bool repeated = study.overall.latency_s.cv_within.has_value();
  Plot plot(study, title,
            fmt::format(
                "Left: what share of each metric's variance a factor explains (analysis of variance of its logarithm, for this "
                "plan's levels). Right: {}",
                repeated ? "how much repeats of one cell differ, and its 95 % interval." : "nothing, for no cell was repeated."),
            static_cast<int>(420 + 110 * metrics.size()));
  ColourKey key;
  for (const FactorLook& look : kFactors) {
    if (!occurs(study, look.factor)) continue;
    key.names.push_back(factor_name(look.factor));
    key.marks.push_back({look.colour, 5});
  }
  plot.line("set multiplot");
  const double bottom = plot.legend(key);
  shares_panel(plot, study, metrics, bottom);
  repeats_panel(plot, study, metrics, bottom);
  plot.line("unset multiplot");
  return {"06_variability", title, plot.height(), plot.take(), {"variability.csv", "cells.csv"}};
}

}  // namespace ifm
