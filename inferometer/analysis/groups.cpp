#include "inferometer/analysis/groups.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "inferometer/stats/confidence.h"
#include "inferometer/stats/describe.h"

namespace ifm {
namespace {

constexpr double kNsPerHour = 3.6e12;
/// Of values in a group: under this the t interval of a mean covers less than 93 % where one run of four is much slower.
constexpr size_t kLeastForMean = 15;

/// Values of a metric, split by cell; `all` and `timed` keep execution order.
struct Values {
  std::vector<double> all;
  std::vector<stats::TimedValue> timed;
  std::vector<std::vector<double>> cells;
};

Values values_of(const std::vector<const Run*>& runs, const MetricOf& metric) {
  Values values;
  std::map<int, std::vector<double>> by_cell;
  for (const Run* run : runs) {
    const std::optional<double> x = metric(*run);
    if (!x) continue;
    values.all.push_back(*x);
    values.timed.push_back({*x, run->cell, static_cast<double>(run->start_ns) / kNsPerHour});
    by_cell[run->cell].push_back(*x);
  }
  for (auto& [cell, cell_values] : by_cell) values.cells.push_back(std::move(cell_values));
  return values;
}

/// Spread of repeats relative to their cell's mean: from the pooled variance of logs.
std::optional<double> relative_sd_within(const std::vector<std::vector<double>>& cells) {
  std::vector<std::vector<double>> logs;
  for (const std::vector<double>& cell : cells) {
    logs.emplace_back();
    for (const double x : cell) {
      if (!(x > 0)) return std::nullopt;
      logs.back().push_back(std::log(x));
    }
  }
  const std::optional<stats::PooledSd> pooled = stats::pooled_sd(logs);
  if (!pooled) return std::nullopt;
  return std::sqrt(std::expm1(pooled->sd * pooled->sd));
}

/// An interval, or why there is none.
struct Printed {
  std::optional<Interval> interval;
  NoInterval reason = NoInterval::none;
};

Printed mean_of(const Values& values, const MetricTime& session) {
  const bool repeated = std::any_of(values.cells.begin(), values.cells.end(), [](const auto& cell) { return cell.size() > 1; });
  if (!repeated) return {std::nullopt, NoInterval::no_repeats};
  if (!session) return {std::nullopt, NoInterval::few_in_session};
  if (values.all.size() < kLeastForMean) return {std::nullopt, NoInterval::few_in_group};
  return {stats::mean_interval_in_time(values.timed, *session), NoInterval::none};
}

Printed median_of(const Values& values, const MetricTime& session) {
  const auto interval = stats::median_interval(values.all);
  if (!interval) return {std::nullopt, NoInterval::few_in_group};
  if (!session) return {std::nullopt, NoInterval::few_in_session};
  if (session->drifts) return {std::nullopt, NoInterval::drift};
  return {stats::stretched(*interval, *stats::median(values.all), *session), NoInterval::none};
}

Printed p90_of(const Values& values, const MetricTime& session) {
  const auto interval = stats::quantile_interval(values.all, 0.9);
  if (!interval) return {std::nullopt, NoInterval::few_in_group};
  if (!session) return {std::nullopt, NoInterval::few_in_session};
  if (session->drifts) return {std::nullopt, NoInterval::drift};
  if (session->dependent) return {std::nullopt, NoInterval::dependent};
  return {interval, NoInterval::none};
}

std::optional<double> total_rate(const std::vector<const Run*>& runs) {
  double tokens = 0;
  std::vector<double> seconds;
  for (const Run* run : runs) {
    if (!run->metrics.output_tok_per_s || !run->metrics.e2e_s || !run->output_tokens) continue;
    tokens += *run->output_tokens;
    seconds.push_back(*run->metrics.e2e_s);
  }
  const double time = stats::sum(seconds);
  if (!(time > 0)) return std::nullopt;
  return tokens / time;
}

double index_in(const std::vector<std::string>& names, const std::string& name) {
  return static_cast<double>(std::find(names.begin(), names.end(), name) - names.begin());
}

Grouping by_text(std::string key, std::string Run::*field, std::vector<std::string> order) {
  return {.label_of = [field](const Run& run) { return run.*field; },
          .keys_of =
              [key, field](const Run& run) {
                return std::map<std::string, std::string>{{key, run.*field}};
              },
          .rank_of = [field, order](const Run& run) { return index_in(order, run.*field); }};
}

std::map<std::string, std::string> series_keys(const Run& run) {
  return {{"mode", to_string(run.mode)}, {"engine", run.engine}, {"model", run.model}};
}

Grouping by_max_tokens() {
  return {.label_of = [](const Run& run) { return level_text(run.max_tokens); },
          .keys_of =
              [](const Run& run) {
                return std::map<std::string, std::string>{{"max_tokens", level_text(run.max_tokens)}};
              },
          .rank_of = [](const Run& run) { return static_cast<double>(run.max_tokens); }};
}

Grouping by_temperature() {
  return {.label_of = [](const Run& run) { return level_text(run.temperature); },
          .keys_of =
              [](const Run& run) {
                return std::map<std::string, std::string>{{"temperature", level_text(run.temperature)}};
              },
          .rank_of = [](const Run& run) { return run.temperature; }};
}

Grouping by_mode() {
  return {.label_of = [](const Run& run) { return std::string(to_string(run.mode)); },
          .keys_of =
              [](const Run& run) {
                return std::map<std::string, std::string>{{"mode", to_string(run.mode)}};
              },
          .rank_of = [](const Run& run) { return run.mode == Mode::warm ? 0.0 : 1.0; }};
}

Grouping by_cell(bool several_modes) {
  return {.label_of =
              [several_modes](const Run& run) {
                return fmt::format("{} · {} · {} tokens · T {}", series_label(run, several_modes), run.prompt,
                                   level_text(run.max_tokens), level_text(run.temperature));
              },
          .keys_of =
              [](const Run& run) {
                std::map<std::string, std::string> keys = series_keys(run);
                keys["cell"] = level_text(run.cell);
                keys["prompt"] = run.prompt;
                keys["max_tokens"] = level_text(run.max_tokens);
                keys["temperature"] = level_text(run.temperature);
                return keys;
              },
          .rank_of = [](const Run& run) { return static_cast<double>(run.cell); }};
}

/// The same grouping inside each series: keys hold both, the label is the series'.
void append_by_series(const Study& study, const Grouping& grouping, const SessionTime& session, std::vector<Group>& groups) {
  for (const Series& series : series_of(study)) {
    for (Group& group : group_runs(series.runs, grouping, session)) {
      group.keys.merge(series_keys(*series.runs.front()));
      group.label = series.label;
      groups.push_back(std::move(group));
    }
  }
}

bool several_modes(const std::vector<Run>& runs) {
  return std::any_of(runs.begin(), runs.end(), [&](const Run& run) { return run.mode != runs.front().mode; });
}

}  // namespace

const std::vector<NamedMetric>& effect_metrics() {
  static const std::vector<NamedMetric> metrics{
      {"latency_s", [](const Run& run) { return run.metrics.e2e_s; }},
      {"throughput_tok_per_s", [](const Run& run) { return run.metrics.output_tok_per_s; }},
      {"ttft_s", [](const Run& run) { return run.metrics.ttft_s; }},
      {"decode_tok_per_s", [](const Run& run) { return run.metrics.decode_tok_per_s; }}};
  return metrics;
}

MetricTime time_of(const std::vector<const Run*>& session, const MetricOf& metric) {
  return stats::time_structure(values_of(session, metric).timed);
}

SessionTime session_time(const std::vector<const Run*>& runs) {
  const std::vector<const Run*> good = timed(runs);
  const auto of = [&good](std::optional<double> RunMetrics::*field) {
    return time_of(good, [field](const Run& run) { return run.metrics.*field; });
  };
  return {.latency_s = of(&RunMetrics::e2e_s),
          .throughput_tok_per_s = of(&RunMetrics::output_tok_per_s),
          .ttft_s = of(&RunMetrics::ttft_s),
          .decode_tok_per_s = of(&RunMetrics::decode_tok_per_s),
          .prefill_tok_per_s = of(&RunMetrics::prefill_tok_per_s),
          .load_s = of(&RunMetrics::load_s),
          .tpot_s = of(&RunMetrics::tpot_s)};
}

MetricSummary summarize(const std::vector<const Run*>& runs, const MetricOf& metric, const MetricTime& session) {
  const Values values = values_of(runs, metric);
  MetricSummary summary;
  summary.n = static_cast<int>(values.all.size());
  summary.mean = stats::mean(values.all);
  summary.sd = stats::sd(values.all);
  if (const auto pooled = stats::pooled_sd(values.cells)) summary.sd_within = pooled->sd;
  summary.min = stats::minimum(values.all);
  summary.median = stats::median(values.all);
  summary.max = stats::maximum(values.all);
  const Printed mean = mean_of(values, session), median = median_of(values, session), p90 = p90_of(values, session);
  summary.ci95 = mean.interval;
  summary.ci95_reason = mean.reason;
  summary.median_ci95 = median.interval;
  summary.median_ci95_reason = median.reason;
  summary.p90_ci95 = p90.interval;
  summary.p90_ci95_reason = p90.reason;
  if (summary.p90_ci95) summary.p90 = stats::quantile(values.all, 0.9);
  summary.cv_within = relative_sd_within(values.cells);
  return summary;
}

Group make_group(std::string label, std::map<std::string, std::string> keys, const std::vector<const Run*>& runs,
                 const SessionTime& session) {
  Group group;
  group.label = std::move(label);
  group.keys = std::move(keys);
  for (const Run* run : runs) ++(run->status == RunStatus::ok ? group.runs_ok : group.runs_failed);
  const std::vector<const Run*> good = timed(runs);
  const auto of = [&good](std::optional<double> RunMetrics::*field, const MetricTime& time) {
    return summarize(
        good, [field](const Run& run) { return run.metrics.*field; }, time);
  };
  group.latency_s = of(&RunMetrics::e2e_s, session.latency_s);
  group.throughput_tok_per_s = of(&RunMetrics::output_tok_per_s, session.throughput_tok_per_s);
  group.ttft_s = of(&RunMetrics::ttft_s, session.ttft_s);
  group.decode_tok_per_s = of(&RunMetrics::decode_tok_per_s, session.decode_tok_per_s);
  group.prefill_tok_per_s = of(&RunMetrics::prefill_tok_per_s, session.prefill_tok_per_s);
  group.load_s = of(&RunMetrics::load_s, session.load_s);
  group.tpot_s = of(&RunMetrics::tpot_s, session.tpot_s);
  group.total_tok_per_s = total_rate(good);
  return group;
}

std::vector<Group> group_runs(const std::vector<const Run*>& runs, const Grouping& grouping, const SessionTime& session) {
  struct Bucket {
    std::string label;
    double rank;
    std::vector<const Run*> runs;
  };
  std::vector<Bucket> buckets;
  for (const Run* run : runs) {
    const std::string label = grouping.label_of(*run);
    auto found = std::find_if(buckets.begin(), buckets.end(), [&](const Bucket& bucket) { return bucket.label == label; });
    if (found == buckets.end()) found = buckets.insert(buckets.end(), {label, grouping.rank_of(*run), {}});
    found->runs.push_back(run);
  }
  std::stable_sort(buckets.begin(), buckets.end(), [](const Bucket& a, const Bucket& b) { return a.rank < b.rank; });
  std::vector<Group> groups;
  for (const Bucket& bucket : buckets)
    groups.push_back(make_group(bucket.label, grouping.keys_of(*bucket.runs.front()), bucket.runs, session));
  return groups;
}

std::vector<const Run*> timed(const std::vector<const Run*>& runs) {
  std::vector<const Run*> good;
  std::copy_if(runs.begin(), runs.end(), std::back_inserter(good), [](const Run* run) { return is_timed(*run); });
  return good;
}

std::vector<const Run*> all_runs(const Study& study) {
  std::vector<const Run*> runs;
  for (const Run& run : study.runs) runs.push_back(&run);
  return runs;
}

std::string level_text(double value) { return fmt::format("{}", value); }

std::vector<Series> series_of(const Study& study) {
  const bool modes = several_modes(study.runs);
  std::vector<const Run*> by_plan = all_runs(study);
  std::stable_sort(by_plan.begin(), by_plan.end(), [](const Run* a, const Run* b) { return a->cell < b->cell; });
  std::vector<Series> series;
  for (const Run* run : by_plan) {
    const std::string label = series_label(*run, modes);
    const bool known = std::any_of(series.begin(), series.end(), [&](const Series& s) { return s.label == label; });
    if (!known) series.push_back({label, {}});
  }
  for (const Run& run : study.runs) {
    const std::string label = series_label(run, modes);
    std::find_if(series.begin(), series.end(), [&](const Series& s) { return s.label == label; })->runs.push_back(&run);
  }
  return series;
}

void fill_groups(Study& study) {
  const std::vector<const Run*> runs = all_runs(study);
  const SessionTime session = session_time(runs);
  const Plan& plan = study.session.plan;
  std::vector<std::string> prompts;
  for (const PlanPrompt& prompt : plan.prompts) prompts.push_back(prompt.id);
  std::vector<std::string> engines;
  for (const PlanEngine& engine : plan.engines) engines.push_back(engine.id);
  study.overall = make_group("all runs", {}, runs, session);
  for (const Series& series : series_of(study))
    study.by_model.push_back(make_group(series.label, series_keys(*series.runs.front()), series.runs, session));
  study.by_max_tokens = group_runs(runs, by_max_tokens(), session);
  study.by_temperature = group_runs(runs, by_temperature(), session);
  study.by_prompt = group_runs(runs, by_text("prompt", &Run::prompt, prompts), session);
  study.by_engine = group_runs(runs, by_text("engine", &Run::engine, engines), session);
  study.by_mode = group_runs(runs, by_mode(), session);
  append_by_series(study, by_max_tokens(), session, study.by_series_max_tokens);
  append_by_series(study, by_temperature(), session, study.by_series_temperature);
  study.cells = group_runs(runs, by_cell(several_modes(study.runs)), session);
}

}  // namespace ifm
