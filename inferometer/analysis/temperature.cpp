#include <cmath>
#include <cstddef>
#include <set>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "inferometer/analysis/effects.h"
#include "inferometer/analysis/groups.h"
#include "inferometer/analysis/matching.h"
#include "inferometer/analysis/temperature.h"
#include "inferometer/stats/confidence.h"
#include "inferometer/stats/distribution.h"
#include "inferometer/stats/paired.h"

namespace ifm {
namespace {

constexpr double kAlpha = 0.05;

Interval exp_of(const Interval& logs) { return {std::exp(logs.low), std::exp(logs.high)}; }

std::vector<const Run*> at_temperature(const std::vector<const Run*>& runs, double temperature) {
  std::vector<const Run*> chosen;
  for (const Run* run : runs)
    if (run->temperature == temperature) chosen.push_back(run);
  return chosen;
}

/// Everything but the temperature, the repeat (which is the block) included.
std::string key_but_temperature(const Run& run) {
  return fmt::format("{}\n{}\n{}\n{}\n{}\n{}", to_string(run.mode), run.engine, run.model, run.prompt, run.max_tokens,
                     run.repeat);
}

/// Everything but mode, engine and model.
std::string key_but_series(const Run& run) {
  return fmt::format("{}\n{}\n{}\n{}", run.prompt, run.max_tokens, run.temperature, run.repeat);
}

/// The verdict before adjustment for several levels; `p_adjusted` is Holm's.
Equivalence verdict_of(const TemperatureEffect& effect, double p_adjusted) {
  const double margin = std::log1p(effect.margin);
  if (std::log(effect.ratio_ci90->low) > -margin && std::log(effect.ratio_ci90->high) < margin) return Equivalence::equivalent;
  return p_adjusted < kAlpha ? Equivalence::different : Equivalence::inconclusive;
}

TemperatureEffect effect_of(const std::vector<const Run*>& runs, const NamedMetric& metric, double low, double high) {
  TemperatureEffect effect;
  effect.metric = metric.name;
  effect.low = low;
  effect.high = high;
  const MatchedValues values = match(at_temperature(runs, low), at_temperature(runs, high), key_but_temperature, metric.of);
  effect.pairs = static_cast<int>(values.low.size());
  // METHOD 4: where lengths differ, the time to the end is not compared; rates are.
  if (std::string_view(metric.name) == "latency_s" && !values.lengths_equal) return effect;
  const auto logs = stats::log_ratios(values.low, values.high);
  if (!logs) return effect;
  const auto test = stats::paired_t_test(*logs);
  if (!test) return effect;
  effect.ratio = std::exp(test->mean);
  effect.p_value = test->p;
  effect.ratio_ci90 = exp_of(*stats::mean_interval(*logs, 0.90));
  effect.ratio_ci95 = exp_of(*stats::mean_interval(*logs, 0.95));
  if (const auto difference = stats::detectable_difference(test->sd, effect.pairs)) effect.detectable = std::expm1(*difference);
  return effect;
}

/// Each metric at each level against the lowest.
void append_effects(const std::string& series, const std::vector<const Run*>& runs, double margin, const NamedMetric& metric,
                    std::vector<TemperatureEffect>& effects) {
  std::set<double> levels;
  for (const Run* run : runs) levels.insert(run->temperature);
  append_temperature_effects(series, levels, margin, effects,
                             [&](double low, double high) { return effect_of(runs, metric, low, high); });
}

/// The test and its intervals from the moments of log ratios; null without any spread known.
struct LogTest {
  double ratio, p;
  Interval ci90, ci95;
};

std::optional<LogTest> test_of(const MatchedLogs& pairs) {
  const std::optional<double> sd = pairs.positive ? pairs.logs.sd() : std::nullopt;
  if (!sd) return std::nullopt;
  const auto n = static_cast<double>(pairs.logs.n);
  const double mean = pairs.logs.mean;
  const double error = *sd / std::sqrt(n);
  const auto interval = [&](double level) {
    const double half = stats::t_quantile(0.5 + level / 2, n - 1) * error;
    return exp_of({mean - half, mean + half});
  };
  const double p = *sd > 0 ? stats::t_two_sided_p(mean / error, n - 1) : mean == 0 ? 1 : 0;
  return LogTest{std::exp(mean), p, interval(0.90), interval(0.95)};
}

}  // namespace

TemperatureEffect temperature_effect(const char* metric, double low, double high, const MatchedLogs& pairs) {
  TemperatureEffect effect;
  effect.metric = metric;
  effect.low = low;
  effect.high = high;
  effect.pairs = static_cast<int>(pairs.logs.n);
  if (std::string_view(metric) == "latency_s" && !pairs.lengths_equal) return effect;  // METHOD 4, as above
  const auto test = test_of(pairs);
  if (!test) return effect;
  effect.ratio = test->ratio;
  effect.p_value = test->p;
  effect.ratio_ci90 = test->ci90;
  effect.ratio_ci95 = test->ci95;
  if (const auto difference = stats::detectable_difference(*pairs.logs.sd(), effect.pairs))
    effect.detectable = std::expm1(*difference);
  return effect;
}

SeriesEffect series_effect(const char* metric, const std::string& series, const std::string& reference,
                           const MatchedLogs& pairs) {
  SeriesEffect effect;
  effect.metric = metric;
  effect.series = series;
  effect.reference = reference;
  effect.pairs = static_cast<int>(pairs.logs.n);
  const bool comparable = pairs.lengths_equal || effect.metric != "latency_s";
  if (const auto test = comparable ? test_of(pairs) : std::nullopt) {
    effect.ratio = test->ratio;
    effect.ratio_ci95 = test->ci95;
  }
  return effect;
}

void append_temperature_effects(const std::string& series, const std::set<double>& levels, double margin,
                                std::vector<TemperatureEffect>& effects, const EffectAt& effect_at) {
  std::vector<size_t> tested;
  std::vector<double> p_values;
  for (const double level : levels) {
    if (level == *levels.begin()) continue;
    effects.push_back(effect_at(*levels.begin(), level));
    effects.back().series = series;
    effects.back().margin = margin;
    if (!effects.back().p_value) continue;
    tested.push_back(effects.size() - 1);
    p_values.push_back(*effects.back().p_value);
  }
  const std::vector<double> adjusted = stats::holm(p_values);
  for (size_t i = 0; i < tested.size(); ++i) effects[tested[i]].verdict = verdict_of(effects[tested[i]], adjusted[i]);
}

void fill_temperature(Study& study) {
  const double margin = study.session.plan.equivalence_margin;
  const std::vector<Series> all = series_of(study);
  for (const NamedMetric& metric : effect_metrics()) append_effects("", all_runs(study), margin, metric, study.temperature);
  if (all.size() < 2) return;
  for (const Series& series : all)
    for (const NamedMetric& metric : effect_metrics())
      append_effects(series.label, series.runs, margin, metric, study.temperature);
}

void fill_series_effects(Study& study) {
  const std::vector<Series> all = series_of(study);
  for (size_t i = 1; i < all.size(); ++i) {
    for (const NamedMetric& metric : effect_metrics()) {
      const MatchedValues values = match(all[0].runs, all[i].runs, key_but_series, metric.of);
      SeriesEffect effect;
      effect.metric = metric.name;
      effect.series = all[i].label;
      effect.reference = all[0].label;
      effect.pairs = static_cast<int>(values.low.size());
      const bool comparable = values.lengths_equal || std::string_view(metric.name) != "latency_s";
      const auto logs = stats::log_ratios(values.low, values.high);
      if (const auto test = comparable && logs ? stats::paired_t_test(*logs) : std::nullopt) {
        effect.ratio = std::exp(test->mean);
        effect.ratio_ci95 = exp_of(*stats::mean_interval(*logs));
      }
      study.series_effects.push_back(std::move(effect));
    }
  }
}

}  // namespace ifm
