#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "inferometer/analysis/study.h"
#include "inferometer/render/csv.h"

namespace ifm {

/// A file to be written: its path below the results folder and its bytes.
struct ReportFile {
  std::string path;
  std::string bytes;
};

/// One row per group × metric: overall, and by series, engine, mode and prompt.
[[nodiscard]] std::string summary_stats_csv(const Study& study);
/// One row per series × output length × metric.
[[nodiscard]] std::string token_scaling_csv(const Study& study);
/// One row per series: E2E = fixed + per_token × N.
[[nodiscard]] std::string token_scaling_fit_csv(const Study& study);
/// One row per metric × temperature against the lowest one.
[[nodiscard]] std::string temperature_effect_csv(const Study& study);
/// Shares of variance by factor, variation within cells (over all, by series, in each), drift and autocorrelation: one quantity
/// per row.
[[nodiscard]] std::string variability_csv(const Study& study);
/// One row per series: the gaps between its runs' token events, pooled.
[[nodiscard]] std::string token_gaps_csv(const Study& study);
/// One row per series and phase (prefill, decode): multiply-adds, and what the machine allows.
[[nodiscard]] std::string roofline_csv(const Study& study);
/// One row per cell × metric.
[[nodiscard]] std::string cells_csv(const Study& study);
/// Every measured run of a study, failed ones too, in execution order.
[[nodiscard]] std::string runs_csv(const Study& study);
/// The same run by run: its header, and a row.
[[nodiscard]] CsvTable runs_table();
void add_run(CsvTable& csv, int64_t session, const Run& run);

/// All of them, below "analysis/"; runs.csv only where the study holds all runs.
[[nodiscard]] std::vector<ReportFile> csv_files(const Study& study);

}  // namespace ifm
