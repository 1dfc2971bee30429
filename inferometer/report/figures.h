#pragma once

#include <string>
#include <vector>

#include "inferometer/analysis/comparison.h"
#include "inferometer/analysis/study.h"

namespace ifm {

enum class FigureFormat { png, svg };

/// A figure as gnuplot commands with its data inside; which terminal draws it and where to is added by gnuplot_script().
struct Figure {
  std::string name;   ///< "01_latency_by_model"
  std::string title;  ///< what it shows, one sentence
  int height = 1000;  ///< of a width of 1600
  std::string body;
  std::vector<std::string> data;  ///< the CSV files that hold what it shows: "runs.csv"
};

/// The five figures of a study, where its spread comes from, its runs in order, its first tokens and decoding by series, and its
/// roofline; those that have nothing to show are left out.
[[nodiscard]] std::vector<Figure> figures(const Study& study);
/// Every gap between a run's token events, "gaps_run_17".
/// @throws Error not_found when the run has fewer than two token events.
[[nodiscard]] Figure gaps_figure(const Study& study, const Run& run);

/// What each cell's comparison found, with its interval (a forest plot), "10_effects"; empty without a cell.
[[nodiscard]] Figure forest_figure(const ComparisonReport& report);

/// The script that draws a figure into `output` as PNG or SVG. Needs gnuplot 5 with the pngcairo and svg terminals.
[[nodiscard]] std::string gnuplot_script(const Figure& figure, FigureFormat format, const std::string& output);

}  // namespace ifm
