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

/// The time of which `of` would be the number per second; null where it reaches 0.
std::optional<Interval> rate_interval(double of, const Interval& seconds) {
  if (!(seconds.low > 0)) return std::nullopt;
  return Interval{of / seconds.high, of / seconds.low};
}

/// Output tok/s by the line at a length.
std::optional<double> rate_at(const stats::Line& line, int tokens) {
  return line.at(tokens) > 0 ? std::optional(tokens / line.at(tokens)) : std::nullopt;
}

NoInterval reason_against_line(const std::map<int, int64_t>& runs_of_length, const MetricTime& latency) {
  const bool few =
      std::ranges::any_of(runs_of_length, [](const auto& length_and_runs) { return length_and_runs.second < kLeastAtALength; });
  if (few) return NoInterval::few_in_group;
  if (!latency) return NoInterval::few_in_session;
  return latency->drifts ? NoInterval::drift : latency->dependent ? NoInterval::dependent : NoInterval::none;
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
  set_line(scaling, *line, runs_of_length, time_of(timed(series.runs), latency_of));
  if (lengths.size() > 2) {  // through two means there is always a line
    scaling.lack_of_fit_p = lack_of_fit_p(sample);
    scaling.largest_deviation = largest_deviation(sample, *line);
  }
  return scaling;
}

}  // namespace

void set_line(Scaling& scaling, const stats::Line& line, const std::map<int, int64_t>& runs_of_length,
              const MetricTime& latency) {
  scaling.no_interval = reason_against_line(runs_of_length, latency);
  scaling.fixed_s = line.intercept;
  scaling.per_token_s = line.slope;
  scaling.r2 = line.r2;
  scaling.seconds_500 = line.at(kLongFormTokens);
  if (line.slope > 0) scaling.limit_tok_per_s = 1 / line.slope;
  scaling.shortest_tok_per_s = rate_at(line, scaling.min_tokens);
  scaling.longest_tok_per_s = rate_at(line, scaling.max_tokens);
  if (scaling.no_interval != NoInterval::none) return;
  const auto at = [&](double tokens) { return stats::stretched(line.interval_at(tokens), line.at(tokens), *latency); };
  scaling.fixed_ci95 = stats::stretched(line.intercept_interval, line.intercept, *latency);
  scaling.per_token_ci95 = stats::stretched(line.slope_interval, line.slope, *latency);
  scaling.seconds_500_ci95 = at(kLongFormTokens);
  scaling.limit_ci95 = rate_interval(1, *scaling.per_token_ci95);
  scaling.shortest_ci95 = rate_interval(scaling.min_tokens, at(scaling.min_tokens));
  scaling.longest_ci95 = rate_interval(scaling.max_tokens, at(scaling.max_tokens));
}

void fill_scaling(Study& study) {
  for (const Series& series : series_of(study)) study.scaling.push_back(scaling_of(series));
}

}  // namespace ifm
