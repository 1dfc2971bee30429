#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "inferometer/analysis/effects.h"
#include "inferometer/analysis/groups.h"
#include "inferometer/stats/describe.h"
#include "inferometer/stats/linear.h"

namespace ifm {
namespace {

constexpr double kLongFormTokens = 500;  ///< METHOD's long form
constexpr int64_t kLeastAtALength = 18;  ///< runs: fewer skewed values at the longest length decide the line

struct Sample {
  std::vector<double> tokens, seconds;
  std::vector<int> lengths, conditions;  ///< levels: output tokens; prompt and temperature
};

Sample sample_of(const std::vector<const Run*>& runs) {
  Sample sample;
  std::map<std::pair<std::string, double>, int> conditions;
  for (const Run* run : timed(runs)) {
    if (!run->metrics.e2e_s || !run->metrics.output_tok_per_s || !run->output_tokens) continue;
    sample.tokens.push_back(*run->output_tokens);
    sample.seconds.push_back(*run->metrics.e2e_s);
    sample.lengths.push_back(*run->output_tokens);
    const auto next = static_cast<int>(conditions.size());
    sample.conditions.push_back(conditions.try_emplace({run->prompt, run->temperature}, next).first->second);
  }
  return sample;
}

/// Does a mean per length fit better than a line? Prompt and temperature stand in both models.
std::optional<double> lack_of_fit_p(const Sample& sample) {
  stats::Basis line(sample.tokens.size());
  line.add(stats::Column(sample.tokens.size(), 1.0));
  for (const stats::Column& column : stats::factor_columns(sample.conditions)) line.add(column);
  line.add(sample.tokens);
  stats::Basis means = line;
  for (const stats::Column& column : stats::factor_columns(sample.lengths)) means.add(column);
  const auto test = stats::compare_models(line, means, sample.seconds);
  if (!test) return std::nullopt;
  return test->p;
}

std::optional<double> largest_deviation(const Sample& sample, const stats::Line& line) {
  std::map<int, std::vector<double>> by_length;
  for (size_t i = 0; i < sample.lengths.size(); ++i) by_length[sample.lengths[i]].push_back(sample.seconds[i]);
  double largest = 0;
  for (const auto& [length, seconds] : by_length) {
    const double mean = *stats::mean(seconds);
    if (!(mean > 0)) return std::nullopt;
    largest = std::max(largest, std::abs(mean - line.at(length)) / mean);
  }
  return largest;
}

/// Output tok/s by the line at a length; its interval from the line's, null where that reaches 0.
void set_rate(const stats::Line& line, int tokens, std::optional<double>& rate, std::optional<Interval>* ci95) {
  const Interval seconds = line.interval_at(tokens);
  if (line.at(tokens) > 0) rate = tokens / line.at(tokens);
  if (ci95 != nullptr && seconds.low > 0) *ci95 = Interval{tokens / seconds.high, tokens / seconds.low};
}

Scaling scaling_of(const Series& series) {
  const Sample sample = sample_of(series.runs);
  const std::set<int> lengths(sample.lengths.begin(), sample.lengths.end());
  Scaling scaling;
  scaling.series = series.label;
  scaling.n = static_cast<int>(sample.tokens.size());
  scaling.lengths = static_cast<int>(lengths.size());
  if (lengths.empty()) return scaling;
  scaling.min_tokens = *lengths.begin();
  scaling.max_tokens = *lengths.rbegin();
  const std::optional<stats::Line> line = stats::fit_line(sample.tokens, sample.seconds);
  if (!line) return scaling;
  std::map<int, int64_t> runs_of_length;
  for (const int length : sample.lengths) ++runs_of_length[length];
  scaling.no_interval =
      reason_against_line(runs_of_length, time_of(timed(series.runs), [](const Run& run) { return run.metrics.e2e_s; }));
  set_line(scaling, *line);
  if (lengths.size() > 2) {  // through two means there is always a line
    scaling.lack_of_fit_p = lack_of_fit_p(sample);
    scaling.largest_deviation = largest_deviation(sample, *line);
  }
  return scaling;
}

}  // namespace

NoInterval reason_against_line(const std::map<int, int64_t>& runs_of_length, const MetricTime& latency) {
  const bool few =
      std::ranges::any_of(runs_of_length, [](const auto& length_and_runs) { return length_and_runs.second < kLeastAtALength; });
  if (few) return NoInterval::few_in_group;
  if (!latency) return NoInterval::few_in_session;
  return latency->drifts ? NoInterval::drift : latency->dependent ? NoInterval::dependent : NoInterval::none;
}

void set_line(Scaling& scaling, const stats::Line& line) {
  const bool intervals = scaling.no_interval == NoInterval::none;
  scaling.fixed_s = line.intercept;
  scaling.per_token_s = line.slope;
  scaling.r2 = line.r2;
  scaling.seconds_500 = line.at(kLongFormTokens);
  if (line.slope > 0) scaling.limit_tok_per_s = 1 / line.slope;
  set_rate(line, scaling.min_tokens, scaling.shortest_tok_per_s, intervals ? &scaling.shortest_ci95 : nullptr);
  set_rate(line, scaling.max_tokens, scaling.longest_tok_per_s, intervals ? &scaling.longest_ci95 : nullptr);
  if (!intervals) return;
  scaling.fixed_ci95 = line.intercept_interval;
  scaling.per_token_ci95 = line.slope_interval;
  scaling.seconds_500_ci95 = line.interval_at(kLongFormTokens);
  if (line.slope_interval.low > 0) scaling.limit_ci95 = Interval{1 / line.slope_interval.high, 1 / line.slope_interval.low};
}

void fill_scaling(Study& study) {
  for (const Series& series : series_of(study)) study.scaling.push_back(scaling_of(series));
}

}  // namespace ifm
