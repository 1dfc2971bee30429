#include "inferometer/report/csv_files.h"

#include <utility>

#include <fmt/format.h>

#include "inferometer/render/csv.h"
#include "inferometer/render/metric_info.h"

namespace ifm {
namespace {

using Columns = std::vector<std::string>;

const Columns kStatistics{
    "metric", "n",   "mean",     "sd",        "sd_within",       "cv_within",        "min",          "median",
    "p90",    "max", "ci95_low", "ci95_high", "median_ci95_low", "median_ci95_high", "p90_ci95_low", "p90_ci95_high"};

Columns with_statistics(Columns columns) {
  columns.insert(columns.end(), kStatistics.begin(), kStatistics.end());
  return columns;
}

void add_interval(CsvTable& csv, const std::optional<Interval>& interval) {
  csv.add(interval ? std::optional<double>(interval->low) : std::nullopt);
  csv.add(interval ? std::optional<double>(interval->high) : std::nullopt);
}

void add_with_interval(CsvTable& csv, const std::optional<double>& value, const std::optional<Interval>& interval) {
  csv.add(value);
  add_interval(csv, interval);
}

void add_statistics(CsvTable& csv, const char* metric, const MetricSummary& summary) {
  csv.add(metric).add_integer(summary.n).add(summary.mean).add(summary.sd).add(summary.sd_within);
  csv.add(summary.cv_within).add(summary.min).add(summary.median).add(summary.p90).add(summary.max);
  add_interval(csv, summary.ci95);
  add_interval(csv, summary.median_ci95);
  add_interval(csv, summary.p90_ci95);
}

/// The label of the series that a group is part of.
std::string series_name(const Study& study, const Group& group) {
  const std::optional<size_t> series = series_of(study, group);
  return series ? study.by_model[*series].label : "";
}

std::string key_of(const Group& group, const std::string& factor) {
  const auto found = group.keys.find(factor);
  return found == group.keys.end() ? "" : found->second;
}

void add_groups(CsvTable& csv, const char* grouping, const std::vector<Group>& groups) {
  for (const Group& group : groups) {
    for (const MetricInfo& metric : kMetrics) {
      csv.add(grouping).add(group.label).add_integer(group.runs_ok).add_integer(group.runs_failed).add(group.total_tok_per_s);
      add_statistics(csv, metric.key, group.*metric.summary);
      csv.end_row();
    }
  }
}

/// The mean of a metric at one temperature, over all series or for one.
std::optional<double> mean_at(const Study& study, const TemperatureEffect& effect, double temperature) {
  const MetricInfo* metric = find_metric(effect.metric);
  if (metric == nullptr) return std::nullopt;
  for (const Group& group : effect.series.empty() ? study.by_temperature : study.by_series_temperature) {
    const bool same_series = effect.series.empty() || series_name(study, group) == effect.series;
    if (same_series && is_number(key_of(group, "temperature"), temperature)) return (group.*metric->summary).mean;
  }
  return std::nullopt;
}

/// One row of variability.csv; what a quantity does not have stays empty.
struct Variability {
  const char* quantity;
  std::string_view metric;
  std::string of;
  std::optional<double> value;
  std::optional<Interval> ci95;
  std::optional<double> p_value;
  std::optional<int> degrees_of_freedom;
  std::optional<int> n;
};

void add_variability(CsvTable& csv, const Variability& row) {
  csv.add(row.quantity).add(row.metric).add(row.of).add(row.value);
  add_interval(csv, row.ci95);
  csv.add(row.p_value).add_integer(row.degrees_of_freedom).add_integer(row.n).end_row();
}

/// How much repeats of one cell differ, pooled over the cells of each group.
void add_within_cell_cv(CsvTable& csv, const std::vector<Group>& groups) {
  for (const Group& group : groups) {
    for (const MetricInfo& metric : kMetrics) {
      const MetricSummary& summary = group.*metric.summary;
      if (!summary.cv_within) continue;
      add_variability(csv, {.quantity = "within_cell_cv",
                            .metric = metric.key,
                            .of = group.label,
                            .value = summary.cv_within,
                            .ci95 = summary.cv_within_ci95,
                            .n = summary.n});
    }
  }
}

void add_drift(CsvTable& csv, const Study& study) {
  const auto add = [&](const char* quantity, std::optional<double> value, std::optional<Interval> ci95) {
    add_variability(
        csv, {.quantity = quantity, .metric = "latency_s", .of = "session", .value = value, .ci95 = ci95, .n = study.runs_ok});
  };
  add("drift_percent_per_hour", study.drift_percent_per_hour, study.drift_ci95);
  add("drift_percent_session", study.drift_percent_session, study.drift_session_ci95);
  add("lag1_autocorrelation", study.lag1_autocorrelation, std::nullopt);
  add("effective_runs", study.effective_runs, std::nullopt);
  add("outliers", study.outliers ? std::optional<double>(*study.outliers) : std::nullopt, std::nullopt);
}

}  // namespace

std::string summary_stats_csv(const Study& study) {
  CsvTable csv(with_statistics({"grouping", "group", "runs_ok", "runs_failed", "total_tok_per_s"}));
  add_groups(csv, "overall", {study.overall});
  add_groups(csv, "by_model", study.by_model);
  add_groups(csv, "by_engine", study.by_engine);
  add_groups(csv, "by_mode", study.by_mode);
  add_groups(csv, "by_prompt", study.by_prompt);
  add_groups(csv, "by_temperature", study.by_temperature);
  return csv.text();
}

std::string token_scaling_csv(const Study& study) {
  CsvTable csv(with_statistics({"series", "max_tokens", "runs_ok", "runs_failed", "total_tok_per_s"}));
  const auto add = [&](const std::string& series, const Group& group) {
    for (const MetricInfo& metric : kMetrics) {
      csv.add(series).add(key_of(group, "max_tokens")).add_integer(group.runs_ok).add_integer(group.runs_failed);
      csv.add(group.total_tok_per_s);
      add_statistics(csv, metric.key, group.*metric.summary);
      csv.end_row();
    }
  };
  for (const Group& group : study.by_series_max_tokens) add(series_name(study, group), group);
  for (const Group& group : study.by_max_tokens) add("all", group);
  return csv.text();
}

std::string token_scaling_fit_csv(const Study& study) {
  CsvTable csv({"series",
                "n",
                "lengths",
                "min_tokens",
                "max_tokens",
                "fixed_s",
                "fixed_ci95_low",
                "fixed_ci95_high",
                "per_token_s",
                "per_token_ci95_low",
                "per_token_ci95_high",
                "r2",
                "lack_of_fit_p",
                "largest_deviation",
                "limit_tok_per_s",
                "limit_ci95_low",
                "limit_ci95_high",
                "shortest_tok_per_s",
                "shortest_ci95_low",
                "shortest_ci95_high",
                "longest_tok_per_s",
                "longest_ci95_low",
                "longest_ci95_high",
                "seconds_500",
                "seconds_500_ci95_low",
                "seconds_500_ci95_high"});
  for (const Scaling& fit : study.scaling) {
    csv.add(fit.series).add_integer(fit.n).add_integer(fit.lengths).add_integer(fit.min_tokens).add_integer(fit.max_tokens);
    add_with_interval(csv, fit.fixed_s, fit.fixed_ci95);
    add_with_interval(csv, fit.per_token_s, fit.per_token_ci95);
    csv.add(fit.r2).add(fit.lack_of_fit_p).add(fit.largest_deviation).add(fit.limit_tok_per_s);
    add_interval(csv, fit.limit_ci95);
    add_with_interval(csv, fit.shortest_tok_per_s, fit.shortest_ci95);
    add_with_interval(csv, fit.longest_tok_per_s, fit.longest_ci95);
    add_with_interval(csv, fit.seconds_500, fit.seconds_500_ci95);
    csv.end_row();
  }
  return csv.text();
}

std::string temperature_effect_csv(const Study& study) {
  CsvTable csv({"series", "metric", "temperature_low", "temperature_high", "mean_low", "mean_high", "pairs", "ratio",
                "ratio_ci90_low", "ratio_ci90_high", "ratio_ci95_low", "ratio_ci95_high", "p_value", "margin", "detectable",
                "verdict"});
  for (const TemperatureEffect& effect : study.temperature) {
    csv.add(effect.series.empty() ? "all" : effect.series).add(effect.metric).add(effect.low).add(effect.high);
    csv.add(mean_at(study, effect, effect.low)).add(mean_at(study, effect, effect.high));
    csv.add_integer(effect.pairs).add(effect.ratio);
    add_interval(csv, effect.ratio_ci90);
    add_interval(csv, effect.ratio_ci95);
    csv.add(effect.p_value).add(effect.margin).add(effect.detectable).add(to_string(effect.verdict)).end_row();
  }
  return csv.text();
}

std::string variability_csv(const Study& study) {
  CsvTable csv({"quantity", "metric", "of", "value", "ci95_low", "ci95_high", "p_value", "degrees_of_freedom", "n"});
  for (const VarianceShare& share : study.variance) {
    add_variability(csv, {.quantity = "variance_share",
                          .metric = share.metric,
                          .of = share.factor,
                          .value = share.share,
                          .p_value = share.p_value,
                          .degrees_of_freedom = share.degrees_of_freedom});
  }
  add_within_cell_cv(csv, {study.overall});
  if (study.by_model.size() > 1) add_within_cell_cv(csv, study.by_model);
  add_within_cell_cv(csv, study.cells);
  for (const SeriesEffect& effect : study.series_effects) {
    add_variability(csv, {.quantity = "series_ratio",
                          .metric = effect.metric,
                          .of = fmt::format("{} / {}", effect.series, effect.reference),
                          .value = effect.ratio,
                          .ci95 = effect.ratio_ci95,
                          .n = effect.pairs});
  }
  add_drift(csv, study);
  return csv.text();
}

std::string token_gaps_csv(const Study& study) {
  CsvTable csv({"series", "kind", "runs", "gaps", "mean_s", "mean_ci95_low", "mean_ci95_high", "p50_s", "p50_ci95_low",
                "p50_ci95_high", "p90_s", "p90_ci95_low", "p90_ci95_high", "p99_s", "p99_ci95_low", "p99_ci95_high", "max_s"});
  for (const TokenGaps& gaps : study.token_gaps) {
    csv.add(gaps.series).add(gaps.one_token_events ? "itl" : "icl").add_integer(gaps.runs).add_integer(gaps.gaps);
    add_with_interval(csv, gaps.mean_s, gaps.mean_ci95);
    add_with_interval(csv, gaps.p50_s, gaps.p50_ci95);
    add_with_interval(csv, gaps.p90_s, gaps.p90_ci95);
    add_with_interval(csv, gaps.p99_s, gaps.p99_ci95);
    csv.add(gaps.max_s).end_row();
  }
  return csv.text();
}

std::string roofline_csv(const Study& study) {
  CsvTable csv({"series", "phase", "macs_per_byte", "gmac_per_s", "limit_gmac_per_s", "share"});
  for (const RooflinePoint& point : study.roofline) {
    csv.add(point.series).add(to_string(point.phase)).add(point.macs_per_byte).add(point.gmac_per_s);
    csv.add(point.limit_gmac_per_s).add(point.share()).end_row();
  }
  return csv.text();
}

std::string cells_csv(const Study& study) {
  const Columns factors{"mode", "engine", "model", "prompt", "max_tokens", "temperature"};
  Columns header{"cell"};
  header.insert(header.end(), factors.begin(), factors.end());
  header.insert(header.end(), {"runs_ok", "runs_failed", "total_tok_per_s"});
  CsvTable csv(with_statistics(std::move(header)));
  for (const Group& cell : study.cells) {
    for (const MetricInfo& metric : kMetrics) {
      csv.add(cell.label);
      for (const std::string& factor : factors) csv.add(key_of(cell, factor));
      csv.add_integer(cell.runs_ok).add_integer(cell.runs_failed).add(cell.total_tok_per_s);
      add_statistics(csv, metric.key, cell.*metric.summary);
      csv.end_row();
    }
  }
  return csv.text();
}

std::vector<ReportFile> csv_files(const Study& study) {
  std::vector<ReportFile> files{{"analysis/summary_stats.csv", summary_stats_csv(study)},
                                {"analysis/token_scaling.csv", token_scaling_csv(study)},
                                {"analysis/token_scaling_fit.csv", token_scaling_fit_csv(study)},
                                {"analysis/temperature_effect.csv", temperature_effect_csv(study)},
                                {"analysis/variability.csv", variability_csv(study)},
                                {"analysis/token_gaps.csv", token_gaps_csv(study)},
                                {"analysis/roofline.csv", roofline_csv(study)},
                                {"analysis/cells.csv", cells_csv(study)}};
  if (!study.runs_are_sample) files.push_back({"analysis/runs.csv", runs_csv(study)});
  return files;
}

}  // namespace ifm
