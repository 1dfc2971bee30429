#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "inferometer/record/run.h"
#include "inferometer/record/session.h"

namespace ifm {

struct Interval {
  double low = 0;
  double high = 0;
};

/// n, location, spread and range of a metric; what too few values cannot say is null. ci95: of the mean, from the variance
/// within cells (so that mixing output lengths is never called noise); sd: over all values given.
struct MetricSummary {
  int n = 0;
  std::optional<double> mean, sd, sd_within, min, median, max;
  std::optional<Interval> ci95, median_ci95;
};

/// Runs that share one or more factor levels.
struct Group {
  std::string label;                ///< "64", "0.3", "embedded · smollm2-135m"
  std::map<std::string, std::string> keys;  ///< factor → level, e.g. {"max_tokens","64"}
  int runs_ok = 0;
  int runs_failed = 0;
  MetricSummary latency_s, throughput_tok_per_s, ttft_s, decode_tok_per_s, prefill_tok_per_s, load_s, tpot_s;
  std::optional<double> total_tok_per_s;  ///< ΣN / ΣE2E
};

/// E2E = fixed + per_token * N for one series, HC3 intervals.
struct Scaling {
  std::string series;
  int n = 0;
  std::optional<double> fixed_s, per_token_s, r2;
  std::optional<Interval> fixed_ci95, per_token_ci95;
};

enum class Equivalence { equivalent, different, inconclusive, not_applicable };

/// Effect of temperature on a metric, level against the lowest, matched within cells: ratio of geometric means.
struct TemperatureEffect {
  std::string metric;               ///< "latency_s", "throughput_tok_per_s", "ttft_s", "decode_tok_per_s"
  double low = 0, high = 0;         ///< the two temperatures
  int pairs = 0;
  std::optional<double> ratio, p_value;  ///< ratio high/low; p of the two-sided test of no difference
  std::optional<Interval> ratio_ci90, ratio_ci95;
  double margin = 0.01;
  std::optional<double> detectable;  ///< smallest relative effect that 80 % power would have shown
  Equivalence verdict = Equivalence::not_applicable;
};

/// Share of the variance of log latency that a factor explains (ANOVA, blocks crossed); sums to 1 with "residual".
struct VarianceShare {
  std::string metric;
  std::string factor;
  double share = 0;
  std::optional<double> p_value;
};

/// A sentence that the numbers support, with the id of the rule that wrote it.
struct Conclusion {
  std::string id;
  std::string text;
};

/// Everything that is known about a session; what tables, figures and summary print.
struct Study {
  Session session;
  std::vector<Run> runs;  ///< measured runs, ok and failed, in execution order
  int runs_ok = 0;
  int runs_failed = 0;
  int runs_warmup = 0;
  Group overall;
  std::vector<Group> by_model;        ///< series: mode × engine × model
  std::vector<Group> by_max_tokens, by_temperature, by_prompt, by_engine, by_mode;
  std::vector<Group> by_model_max_tokens;  ///< series × output length: keys of by_model's and "max_tokens"; label = the series'
  std::vector<Group> cells;
  std::vector<Scaling> scaling;       ///< by series
  std::vector<TemperatureEffect> temperature;
  std::vector<VarianceShare> variance;
  std::optional<double> drift_percent_per_hour;
  std::optional<Interval> drift_ci95;
  std::optional<double> lag1_autocorrelation;
  std::vector<Conclusion> conclusions;  ///< scaling, temperature, variability, fitness: in the order to be printed
  std::vector<Conclusion> warnings;     ///< what makes the numbers unreliable on this machine
};

/// Pure: no clock, no files. The runs' metrics are taken as stored.
[[nodiscard]] Study analyze(const Session& session, const std::vector<Run>& runs);

}  // namespace ifm
