#include "inferometer/analysis/groups.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "inferometer/analysis/run_table.h"
#include "inferometer/stats/confidence.h"
#include "inferometer/stats/describe.h"

namespace ifm {
namespace {

/// Of values in a group: under this the t interval of a mean covers less than 93 % where one run of four is much slower.
constexpr int kLeastForMean = 15;

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

/// Logs of positive values, by cell; null where one is not positive.
std::optional<std::vector<std::vector<double>>> logs_of(const std::vector<std::vector<double>>& cells) {
  std::vector<std::vector<double>> logs;
  for (const std::vector<double>& cell : cells) {
    logs.emplace_back();
    for (const double x : cell) {
      if (!(x > 0)) return std::nullopt;
      logs.back().push_back(std::log(x));
    }
  }
  return logs;
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
void append_by_series(const std::vector<const Run*>& runs, const Grouping& grouping, const GroupMaker& make,
                      std::vector<Group>& groups) {
  for (const Series& series : series_of(runs)) {
    for (Group& group : group_runs(series.runs, grouping, make)) {
      group.keys.merge(series_keys(*series.runs.front()));
      group.label = series.label;
      groups.push_back(std::move(group));
    }
  }
}

}  // namespace

bool several_modes(const std::vector<const Run*>& runs) {
  return std::any_of(runs.begin(), runs.end(), [&](const Run* run) { return run->mode != runs.front()->mode; });
}

const std::vector<NamedMetric>& effect_metrics() {
  static const std::vector<NamedMetric> metrics{
      {"latency_s", latency_of},
      {"throughput_tok_per_s", [](const Run& run) { return run.metrics.output_tok_per_s; }},
      {"ttft_s", [](const Run& run) { return run.metrics.ttft_s; }},
      {"decode_tok_per_s", [](const Run& run) { return run.metrics.decode_tok_per_s; }}};
  return metrics;
}

void set_relative_spread(const stats::PooledSd& of_logs, MetricSummary& summary) {
  const auto relative = [](double sd_of_logs) { return std::sqrt(std::expm1(sd_of_logs * sd_of_logs)); };
  const Interval sd = stats::sd_interval(of_logs);
  summary.cv_within = relative(of_logs.sd);
  // Two repeats that differ much leave the upper end open.
  if (std::isfinite(relative(sd.high))) summary.cv_within_ci95 = Interval{relative(sd.low), relative(sd.high)};
}

std::optional<double> latency_of(const Run& run) { return run.metrics.e2e_s; }

MetricTime time_of(const std::vector<const Run*>& session, const MetricOf& metric) {
  return stats::time_structure(values_of(session, metric).timed);
}

SessionTime session_time(const std::vector<const Run*>& runs) {
  const std::vector<const Run*> good = timed(runs);
  SessionTime session;
  for (size_t m = 0; m < kGroupMetrics.size(); ++m)
    session[m] = time_of(good, [&](const Run& run) { return run.metrics.*kGroupMetrics[m].of; });
  return session;
}

Printed printed_mean(int n, bool repeated, const MetricTime& session, const std::function<std::optional<Interval>()>& interval) {
  if (!repeated) return {std::nullopt, NoInterval::no_repeats};
  if (!session) return {std::nullopt, NoInterval::few_in_session};
  if (n < kLeastForMean) return {std::nullopt, NoInterval::few_in_group};
  return {interval(), NoInterval::none};
}

Printed printed_median(const std::optional<Interval>& interval, double median, const MetricTime& session) {
  if (!interval) return {std::nullopt, NoInterval::few_in_group};
  if (!session) return {std::nullopt, NoInterval::few_in_session};
  if (session->drifts) return {std::nullopt, NoInterval::drift};
  return {stats::stretched(*interval, median, *session), NoInterval::none};
}

Printed printed_p90(const std::optional<Interval>& interval, const MetricTime& session) {
  if (!interval) return {std::nullopt, NoInterval::few_in_group};
  if (!session) return {std::nullopt, NoInterval::few_in_session};
  if (session->drifts) return {std::nullopt, NoInterval::drift};
  if (session->dependent) return {std::nullopt, NoInterval::dependent};
  return {interval, NoInterval::none};
}

void set_intervals(MetricSummary& summary, const Printed& mean, const Printed& median, const Printed& p90) {
  summary.ci95 = mean.interval;
  summary.ci95_reason = mean.reason;
  summary.median_ci95 = median.interval;
  summary.median_ci95_reason = median.reason;
  summary.p90_ci95 = p90.interval;
  summary.p90_ci95_reason = p90.reason;
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
  const bool repeated = std::ranges::any_of(values.cells, [](const auto& cell) { return cell.size() > 1; });
  set_intervals(summary,
                printed_mean(summary.n, repeated, session, [&] { return stats::mean_interval_in_time(values.timed, *session); }),
                printed_median(stats::median_interval(values.all), summary.median.value_or(0), session),
                printed_p90(stats::quantile_interval(values.all, 0.9), session));
  if (summary.p90_ci95) summary.p90 = stats::quantile(values.all, 0.9);
  if (const auto logs = logs_of(values.cells)) {
    if (const auto pooled = stats::pooled_sd(*logs)) set_relative_spread(*pooled, summary);
  }
  return summary;
}

Group make_group(std::string label, std::map<std::string, std::string> keys, const std::vector<const Run*>& runs,
                 const SessionTime& session) {
  Group group;
  group.label = std::move(label);
  group.keys = std::move(keys);
  for (const Run* run : runs) {
    ++(run->status == RunStatus::ok ? group.runs_ok : group.runs_failed);
    if (!run->flags.empty()) ++group.runs_flagged;
  }
  const std::vector<const Run*> good = timed(runs);
  for (size_t m = 0; m < kGroupMetrics.size(); ++m)
    group.*kGroupMetrics[m].summary = summarize(
        good, [&](const Run& run) { return run.metrics.*kGroupMetrics[m].of; }, session[m]);
  group.total_tok_per_s = total_rate(good);
  return group;
}

std::vector<Group> group_runs(const std::vector<const Run*>& runs, const Grouping& grouping, const GroupMaker& make) {
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
  for (const Bucket& bucket : buckets) groups.push_back(make(bucket.label, grouping.keys_of(*bucket.runs.front()), bucket.runs));
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

std::vector<Series> series_of(const Study& study) { return series_of(all_runs(study)); }

std::vector<Series> series_of(const std::vector<const Run*>& runs) {
  const bool modes = several_modes(runs);
  std::vector<const Run*> by_plan = runs;
  std::stable_sort(by_plan.begin(), by_plan.end(), [](const Run* a, const Run* b) { return a->cell < b->cell; });
  std::vector<Series> series;
  for (const Run* run : by_plan) {
    const std::string label = series_label(*run, modes);
    const bool known = std::any_of(series.begin(), series.end(), [&](const Series& s) { return s.label == label; });
    if (!known) series.push_back({label, {}});
  }
  for (const Run* run : runs) {
    const std::string label = series_label(*run, modes);
    std::find_if(series.begin(), series.end(), [&](const Series& s) { return s.label == label; })->runs.push_back(run);
  }
  return series;
}

void fill_groups(Study& study) {
  const std::vector<const Run*> all = all_runs(study);
  const SessionTime session = session_time(all);
  fill_groups(study, all, [&](std::string label, std::map<std::string, std::string> keys, const std::vector<const Run*>& runs) {
    return make_group(std::move(label), std::move(keys), runs, session);
  });
}

void fill_groups(Study& study, const std::vector<const Run*>& runs, const GroupMaker& make) {
  const Plan& plan = study.session.plan;
  std::vector<std::string> prompts;
  for (const PlanPrompt& prompt : plan.prompts) prompts.push_back(prompt.id);
  std::vector<std::string> engines;
  for (const PlanEngine& engine : plan.engines) engines.push_back(engine.id);
  study.overall = make("all runs", {}, runs);
  for (const Series& series : series_of(runs))
    study.by_model.push_back(make(series.label, series_keys(*series.runs.front()), series.runs));
  study.by_max_tokens = group_runs(runs, by_max_tokens(), make);
  study.by_temperature = group_runs(runs, by_temperature(), make);
  study.by_prompt = group_runs(runs, by_text("prompt", &Run::prompt, prompts), make);
  study.by_engine = group_runs(runs, by_text("engine", &Run::engine, engines), make);
  study.by_mode = group_runs(runs, by_mode(), make);
  append_by_series(runs, by_max_tokens(), make, study.by_series_max_tokens);
  append_by_series(runs, by_temperature(), make, study.by_series_temperature);
  study.cells = group_runs(runs, by_cell(several_modes(runs)), make);
}

}  // namespace ifm
