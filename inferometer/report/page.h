#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "inferometer/analysis/study.h"
#include "inferometer/figure/figures.h"
#include "inferometer/report/csv_files.h"

namespace ifm {

/// What a page is made from besides the study.
struct PageParts {
  std::vector<Figure> figures;                  ///< forest_figure() among them where there is a comparison
  std::map<std::string, std::string> drawings;  ///< SVG files by gnuplot, by the figure's name; a figure without one is left out
  std::vector<Run> runs;                        ///< to look into, with their tokens
  std::vector<ReportFile> tables;               ///< to be downloaded from the page
  std::optional<ComparisonReport> comparison;   ///< of a session that holds pairs
};

/// report.html: one file that needs no network and no other file, and no script to be read. A policy in its head forbids it to
/// load anything and to run any script but its own, whatever stands in a model's answer.
[[nodiscard]] std::string report_page(const Study& study, const PageParts& parts);

/// A script as a Content-Security-Policy names it: "'sha256-…'". Source: https://www.w3.org/TR/CSP3/#grammardef-hash-source
[[nodiscard]] std::string script_source(std::string_view script);

/// The run that a page shows as an example of a token timeline: of the longest output length the timed one with the median
/// latency, of the first series; null when none has two token events.
[[nodiscard]] const Run* typical_run(const Study& study, const std::vector<Run>& runs);

}  // namespace ifm
