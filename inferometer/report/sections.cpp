#include "inferometer/report/sections.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "inferometer/render/metric_info.h"

namespace ifm {
namespace {

constexpr const char* kSpreadNote =
    "sd is over the whole design, in which output lengths differ: it is not noise. 95 % intervals of the mean use the "
    "variation between repeats of the same cell, about the session's trend.";

/// n, mean, interval, sd and range of one metric, in the columns of overall_table().
void add_metric_row(ReportTable& table, const std::string& name, const MetricInfo& metric, const Group& group) {
  const MetricSummary& s = group.*metric.summary;
  if (s.n == 0) return;
  const Scale scale = scale_of_metric(metric, {group});
  table.rows.push_back({name, scale.unit, fmt::format("{}", s.n), scale.number(s.mean), interval_text(s.ci95, scale),
                        scale.number(s.sd), scale.number(s.min), scale.number(s.median), scale.number(s.max)});
}

ReportTable overall_table(const std::string& first_column) {
  return {
      {{first_column, Align::left}, {"", Align::left}, {"n"}, {"mean"}, {"95 % interval"}, {"sd"}, {"min"}, {"median"}, {"max"}},
      {}};
}

/// One series: metrics as rows. Several: for each of the main metrics, the series as rows.
Document overall_tables(const Study& study) {
  if (study.by_model.size() <= 1) {
    ReportTable table = overall_table("");
    for (const MetricInfo& metric : kMetrics) add_metric_row(table, metric.name, metric, study.overall);
    return {table};
  }
  Document document;
  for (const MetricInfo& metric : kMetrics) {
    ReportTable table = overall_table(metric.name);
    for (const Group& series : study.by_model) add_metric_row(table, series.label, metric, series);
    if (table.rows.empty()) continue;
    add_metric_row(table, "all series", metric, study.overall);
    document.emplace_back(std::move(table));
    document.emplace_back(Gap{});
  }
  if (!document.empty()) document.pop_back();
  return document;
}

std::string failures_text(const Study& study) {
  std::string text;
  for (const auto& [kind, n] : study.failures) text += fmt::format("{}{} × {}", text.empty() ? "" : ", ", n, kind);
  return text;
}

/// Means of the main metrics of each group, one group per row.
ReportTable means_table(const std::string& factor_header, const std::vector<Group>& groups, const std::string& factor) {
  constexpr std::array<const char*, 4> kNames{"latency", "output", "TTFT", "decode"};
  ReportTable table{{{factor_header}, {"runs"}}, {}};
  for (const Group& group : groups) table.rows.push_back({level_of(group, factor), fmt::format("{}", group.latency_s.n)});
  for (size_t m = 0; m < kNames.size(); ++m) {
    const Scale scale = scale_of_metric(kMetrics[m], groups);
    const bool with_interval = m < 2;
    table.columns.push_back({fmt::format("{} {}", kNames[m], scale.unit)});
    if (with_interval) table.columns.push_back({"95 % interval"});
    for (size_t i = 0; i < groups.size(); ++i) {
      const MetricSummary& s = groups[i].*kMetrics[m].summary;
      table.rows[i].push_back(scale.number(s.mean));
      if (with_interval) table.rows[i].push_back(s.ci95 ? interval_text(s.ci95, scale) : "");
    }
  }
  return table;
}

/// Means of one metric: series as rows, output lengths as columns.
ReportTable series_by_length_table(const Study& study, const MetricInfo& metric) {
  ReportTable table{{{fmt::format("{} {}", metric.name, metric.rate_unit == nullptr ? "s" : metric.rate_unit), Align::left}}, {}};
  for (const Group& series : study.by_model) table.rows.push_back({series.label});
  for (const Group& length : study.by_max_tokens) {
    table.columns.push_back({level_of(length, "max_tokens") + " tokens"});
    std::vector<std::string> cells(study.by_model.size(), "–");
    for (const Group& part : study.by_series_max_tokens) {
      const std::optional<size_t> series = series_of(study, part);
      if (series && level_of(part, "max_tokens") == level_of(length, "max_tokens")) {
        cells[*series] = significant((part.*metric.summary).mean);
      }
    }
    for (size_t i = 0; i < cells.size(); ++i) table.rows[i].push_back(cells[i]);
  }
  return table;
}

/// Several sentences as a list, a single one as a paragraph.
void add_sentences(Document& document, std::vector<std::string> texts) {
  if (texts.size() == 1) {
    document.emplace_back(Paragraph{texts[0]});
  } else if (!texts.empty()) {
    document.emplace_back(Bullets{std::move(texts)});
  }
}

void append(std::vector<std::string>& texts, const std::vector<std::string>& more) {
  texts.insert(texts.end(), more.begin(), more.end());
}

ReportTable scaling_table(const Study& study) {
  ReportTable table{{{"series", Align::left}, {"fixed"}, {"95 % interval"}, {"per token"}, {"95 % interval"}, {"R²"}}, {}};
  for (const Scaling& fit : study.scaling) {
    if (!fit.per_token_s) continue;
    const Scale fixed = scale_of_seconds(std::array{fit.fixed_s.value_or(0)});
    const Scale slope = scale_of_seconds(std::array{*fit.per_token_s});
    table.rows.push_back({fit.series, fixed.with_unit(fit.fixed_s), interval_text(fit.fixed_ci95, fixed),
                          slope.with_unit(fit.per_token_s), interval_text(fit.per_token_ci95, slope), decimal(fit.r2, 4)});
  }
  return table;
}

std::string percent_interval(const std::optional<Interval>& ratio) {
  if (!ratio) return "–";
  return fmt::format("[{}, {}] %", decimal((ratio->low - 1) * 100, 2), decimal((ratio->high - 1) * 100, 2));
}

std::string p_text(std::optional<double> p) { return !p ? "–" : *p < 0.001 ? "< 0.001" : decimal(p, 3); }

ReportTable effect_table(const Study& study) {
  ReportTable table{
      {{"metric", Align::left}, {"against"}, {"pairs"}, {"change"}, {"95 % interval"}, {"p"}, {"detectable"}, {"", Align::left}},
      {}};
  for (const TemperatureEffect& effect : study.temperature) {
    if (!effect.series.empty() || effect.verdict == Equivalence::not_applicable) continue;
    table.rows.push_back({metric_name(effect.metric), fmt::format("{} / {}", shortest(effect.high), shortest(effect.low)),
                          fmt::format("{}", effect.pairs), change_text(effect.ratio), percent_interval(effect.ratio_ci95),
                          p_text(effect.p_value), effect.detectable ? significant(*effect.detectable * 100, 2) + " %" : "–",
                          to_string(effect.verdict)});
  }
  return table;
}

/// Factors as rows, the metrics' shares as columns.
ReportTable variance_table(const Study& study) {
  ReportTable table{{{"share of variance (log)", Align::left}}, {}};
  std::vector<std::string> factors;
  for (const VarianceShare& share : study.variance) {
    if (std::find(factors.begin(), factors.end(), share.factor) == factors.end()) factors.push_back(share.factor);
  }
  std::stable_partition(factors.begin(), factors.end(), [](const std::string& f) { return f != "residual"; });
  for (const std::string& factor : factors) table.rows.push_back({factor_name(factor)});
  for (const MetricInfo& metric : kMetrics) {
    const bool known = std::any_of(study.variance.begin(), study.variance.end(),
                                   [&](const VarianceShare& share) { return share.metric == metric.key; });
    if (!known) continue;
    table.columns.push_back({metric.name});
    for (size_t i = 0; i < factors.size(); ++i) {
      std::string cell = "–";
      for (const VarianceShare& share : study.variance) {
        if (share.metric == metric.key && share.factor == factors[i]) cell = decimal(share.share * 100, 1) + " %";
      }
      table.rows[i].push_back(std::move(cell));
    }
  }
  return table;
}

}  // namespace

std::vector<std::string> conclusions_on(const Study& study, const std::string& topic) {
  std::vector<std::string> texts;
  for (const Conclusion& conclusion : study.conclusions) {
    const std::string head = conclusion.id.substr(0, conclusion.id.find_first_of("._:/-"));
    if (head == topic) texts.push_back(conclusion.text);
  }
  return texts;
}

ReportTable series_means_table(const Study& study) {
  ReportTable table = means_table("series", study.by_model, "");
  table.columns.front().align = Align::left;
  return table;
}

Document overall_section(const Study& study) {
  Document document{Heading{"Overall", ""}};
  if (study.overall.latency_s.n == 0) {
    document.emplace_back(Paragraph{"No run has timings."});
  } else {
    const Document tables = overall_tables(study);
    document.insert(document.end(), tables.begin(), tables.end());
    document.emplace_back(Gap{});
    if (study.by_max_tokens.size() > 1) document.emplace_back(Paragraph{kSpreadNote});
  }
  if (study.overall.total_tok_per_s) {
    document.emplace_back(
        Paragraph{fmt::format("All tokens over all time: {} tok/s (throughput above is the mean of the runs' "
                              "rates).",
                              significant(study.overall.total_tok_per_s))});
  }
  if (study.runs_failed > 0) {
    document.emplace_back(Paragraph{fmt::format("{} of {} runs failed and are in no timing: {}.", study.runs_failed,
                                                study.runs_ok + study.runs_failed, failures_text(study))});
  }
  add_sentences(document, conclusions_on(study, "overall"));
  return document;
}

Document length_section(const Study& study) {
  if (study.by_max_tokens.empty()) return {};
  Document document{Heading{"By output length", ""}};
  if (study.by_model.size() > 1) {
    document.emplace_back(series_by_length_table(study, kMetrics[0]));
    document.emplace_back(Gap{});
    document.emplace_back(series_by_length_table(study, kMetrics[1]));
  } else {
    document.emplace_back(means_table("tokens", study.by_max_tokens, "max_tokens"));
  }
  ReportTable scaling = scaling_table(study);
  if (!scaling.rows.empty()) {
    document.emplace_back(Gap{});
    document.emplace_back(std::move(scaling));
  }
  std::vector<std::string> texts = conclusions_on(study, "scaling");
  append(texts, conclusions_on(study, "throughput"));
  document.emplace_back(Gap{});
  add_sentences(document, std::move(texts));
  return document;
}

Document gaps_section(const Study& study) {
  if (study.token_gaps.empty()) return {};
  const auto any = [&](std::optional<double> TokenGaps::*value) {
    return std::ranges::any_of(study.token_gaps, [value](const TokenGaps& gaps) { return (gaps.*value).has_value(); });
  };
  const bool p90 = any(&TokenGaps::p90_s);
  const bool p99 = any(&TokenGaps::p99_s);
  ReportTable table{{{"series", Align::left}, {"mean"}, {"95 % interval"}, {"median"}}, {}};
  if (p90) table.columns.insert(table.columns.end(), {{"p90"}, {"95 % interval"}});
  if (p99) table.columns.push_back({"p99"});
  table.columns.push_back({"longest"});
  bool chunks = false;
  for (const TokenGaps& gaps : study.token_gaps) {
    const Scale scale = scale_of_seconds(std::array{gaps.mean_s});
    chunks = chunks || !gaps.one_token_events;
    std::vector<std::string> row{gaps.series + (gaps.one_token_events ? "" : " (ICL)"), scale.with_unit(gaps.mean_s),
                                 interval_text(gaps.mean_ci95, scale), scale.with_unit(gaps.p50_s)};
    if (p90) row.insert(row.end(), {scale.with_unit(gaps.p90_s), interval_text(gaps.p90_ci95, scale)});
    if (p99) row.push_back(scale.with_unit(gaps.p99_s));
    row.push_back(scale_of_seconds(std::array{gaps.max_s}).with_unit(gaps.max_s));
    table.rows.push_back(std::move(row));
  }
  Document document{Heading{"Between tokens", ""}};
  document.emplace_back(std::move(table));
  if (!chunks) return document;
  document.emplace_back(Gap{});
  document.emplace_back(Paragraph{"ICL: events held several tokens, so these are gaps between chunks, not between tokens."});
  return document;
}

Document temperature_section(const Study& study) {
  if (study.by_temperature.empty()) return {};
  Document document{Heading{"By temperature", ""}};
  document.emplace_back(means_table("temperature", study.by_temperature, "temperature"));
  ReportTable effects = effect_table(study);
  if (!effects.rows.empty()) {
    document.emplace_back(Gap{});
    document.emplace_back(std::move(effects));
  }
  document.emplace_back(Gap{});
  add_sentences(document, conclusions_on(study, "temperature"));
  return document;
}

Document spread_section(const Study& study) {
  std::vector<std::string> texts = conclusions_on(study, "variability");
  append(texts, conclusions_on(study, "repeatability"));
  append(texts, conclusions_on(study, "drift"));
  if (study.variance.empty() && texts.empty()) return {};
  Document document{Heading{"Where the spread comes from", ""}};
  if (!study.variance.empty()) {
    document.emplace_back(variance_table(study));
    document.emplace_back(Gap{});
  }
  add_sentences(document, std::move(texts));
  return document;
}

Document series_section(const Study& study) {
  std::vector<std::string> texts = conclusions_on(study, "series");
  if (texts.empty()) return {};
  return {Heading{"Between the series", ""}, Bullets{std::move(texts)}};
}

Document fitness_section(const Study& study) {
  std::vector<std::string> texts = conclusions_on(study, "fitness");
  if (texts.empty()) return {};
  return {Heading{"Fit for use", ""}, Bullets{std::move(texts)}};
}

Document other_findings_section(const Study& study) {
  constexpr std::array<std::string_view, 9> kShown{"overall",       "scaling", "throughput", "temperature", "variability",
                                                   "repeatability", "drift",   "series",     "fitness"};
  std::vector<std::string> texts;
  for (const Conclusion& conclusion : study.conclusions) {
    const std::string head = conclusion.id.substr(0, conclusion.id.find_first_of("._:/-"));
    if (std::find(kShown.begin(), kShown.end(), head) == kShown.end()) texts.push_back(conclusion.text);
  }
  if (texts.empty()) return {};
  return {Heading{"Also found", ""}, Bullets{std::move(texts)}};
}

Document reliability_section(const Study& study) {
  Document document{Heading{"What makes these numbers unreliable", ""}};
  std::vector<std::string> texts;
  for (const Conclusion& warning : study.warnings) texts.push_back(warning.text);
  if (texts.empty()) {
    document.emplace_back(Paragraph{"Nothing was found on this machine during this session."});
  } else {
    document.emplace_back(Bullets{std::move(texts)});
  }
  return document;
}

}  // namespace ifm
