#pragma once

#include <string>
#include <vector>

#include "inferometer/analysis/comparison.h"
#include "inferometer/analysis/study.h"

namespace ifm {

/// slide: PNG of 1920 × 1080 with larger letters, for a screen that is looked at from afar; column: PNG with larger letters
/// still.
enum class FigureFormat { png, svg, slide, column };

/// A figure as gnuplot commands with its data inside; which terminal draws it and where to is added by gnuplot_script().
struct Figure {
  std::string name;   ///< "01_latency_by_model"
  std::string title;  ///< what it shows, one sentence
  int height = 1000;  ///< pixels
  std::string body;
  std::vector<std::string> data;  ///< the CSV files that hold what it shows: "runs.csv"
  int width = 1600;               ///< pixels
};

/// The five figures of a study, where its spread comes from, its runs in order, its first tokens and decoding by series, and its
/// roofline; those that have nothing to show are left out.
[[nodiscard]] std::vector<Figure> figures(const Study& study);
/// Those of them that stand in one column of a paper, 85 mm: without title and caption, which the paper has. The others have two
/// parts side by side and need both columns.
[[nodiscard]] std::vector<Figure> column_figures(const Study& study);
/// Every gap between a run's token events, "gaps_run_17".
/// @throws Error not_found when the run has fewer than two token events.
[[nodiscard]] Figure gaps_figure(const Study& study, const Run& run);

/// What each cell's comparison found, with its interval (a forest plot), "10_effects"; empty without a cell.
[[nodiscard]] Figure forest_figure(const ComparisonReport& report);

/// The script that draws a figure into `output`. Needs gnuplot 5 with the pngcairo and svg terminals.
[[nodiscard]] std::string gnuplot_script(const Figure& figure, FigureFormat format, const std::string& output);

}  // namespace ifm
