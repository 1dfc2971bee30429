#include <algorithm>
#include <cmath>
#include <functional>
#include <map>

#include "inferometer/analysis/effects.h"
#include "inferometer/analysis/groups.h"
#include "inferometer/stats/anova.h"
#include "inferometer/stats/describe.h"
#include "inferometer/stats/effective.h"
#include "inferometer/stats/outliers.h"
#include "inferometer/stats/trend.h"

namespace ifm {
namespace {

constexpr double kRounding = 1e-9;  ///< relative; what differs by less differs by the clock's nanoseconds

/// Numbers the values of a field in order of appearance.
template <typename Value>
stats::Factor factor_of(const char* name, const std::vector<const Run*>& runs, const std::function<Value(const Run&)>& of) {
  stats::Factor factor;
  factor.name = name;
  std::map<Value, int> numbers;
  for (const Run* run : runs) {
    const auto next = static_cast<int>(numbers.size());
    factor.levels.push_back(numbers.try_emplace(of(*run), next).first->second);
  }
  return factor;
}

/// Whether some block has two runs: otherwise blocks cannot be told from repeats.
bool blocks_have_company(const std::vector<const Run*>& runs) {
  std::map<int, int> runs_of_block;
  return std::any_of(runs.begin(), runs.end(), [&](const Run* run) { return ++runs_of_block[run->block] > 1; });
}

std::vector<stats::Factor> factors_of(const std::vector<const Run*>& runs) {
  std::vector<stats::Factor> factors = level_factors(runs);
  if (blocks_have_company(runs)) factors.push_back(factor_of<int>("block", runs, [](const Run& run) { return run.block; }));
  return factors;
}

/// Falling shares; what is not a factor's stands last.
bool shown_before(const VarianceShare& a, const VarianceShare& b) {
  const bool a_last = a.factor == "residual";
  const bool b_last = b.factor == "residual";
  return a_last != b_last ? b_last : a.share > b.share;
}

/// Timed runs with a positive latency, in execution order.
std::vector<const Run*> with_latency(const Study& study) {
  std::vector<const Run*> runs;
  for (const Run* run : timed(all_runs(study)))
    if (run->metrics.e2e_s && *run->metrics.e2e_s > 0) runs.push_back(run);
  return runs;
}

}  // namespace

std::vector<stats::Factor> level_factors(const std::vector<const Run*>& runs) {
  return {factor_of<int>("mode", runs, [](const Run& run) { return static_cast<int>(run.mode); }),
          factor_of<std::string>("engine", runs, [](const Run& run) { return run.engine; }),
          factor_of<std::string>("model", runs, [](const Run& run) { return run.model; }),
          factor_of<std::string>("prompt", runs, [](const Run& run) { return run.prompt; }),
          factor_of<int>("max_tokens", runs, [](const Run& run) { return run.max_tokens; }),
          factor_of<double>("temperature", runs, [](const Run& run) { return run.temperature; })};
}

void append_shares(Study& study, const char* metric, const std::vector<stats::Effect>& effects) {
  std::vector<VarianceShare> shares;
  for (const stats::Effect& effect : effects)
    shares.push_back({metric, effect.name, effect.share, effect.degrees_of_freedom, effect.p_value});
  std::stable_sort(shares.begin(), shares.end(), shown_before);
  study.variance.insert(study.variance.end(), shares.begin(), shares.end());
}

std::vector<size_t> set_residuals(Study& study, const std::vector<double>& residuals) {
  study.lag1_autocorrelation = stats::lag1_autocorrelation(residuals);
  if (const auto effective = stats::effective_size(residuals)) study.effective_runs = effective->size;
  if (residuals.empty()) return {};
  stats::OutlierMarks marks = stats::mark_outliers(residuals);
  if (marks.spread < kRounding) marks.marked.clear();
  study.outliers = static_cast<int>(marks.marked.size());
  return marks.marked;
}

void set_drift(Study& study, const std::optional<stats::Trend>& trend, const MetricTime& latency) {
  if (!trend) return;
  study.drift_percent_per_hour = 100 * trend->slope;
  study.drift_percent_session = 100 * std::expm1(trend->slope * *study.session_hours);
  if (!trend->interval || !latency) return;
  const Interval slope = stats::stretched(*trend->interval, trend->slope, *latency);
  study.drift_ci95 = Interval{100 * slope.low, 100 * slope.high};
  study.drift_session_ci95 =
      Interval{100 * std::expm1(slope.low * *study.session_hours), 100 * std::expm1(slope.high * *study.session_hours)};
}

void fill_variance(Study& study) {
  for (const NamedMetric& metric : effect_metrics()) {
    std::vector<const Run*> runs;
    std::vector<double> logs;
    std::vector<int> cells;
    for (const Run* run : timed(all_runs(study))) {
      const std::optional<double> x = metric.of(*run);
      if (!x || !(*x > 0)) continue;
      runs.push_back(run);
      logs.push_back(std::log(*x));
      cells.push_back(run->cell);
    }
    const auto effects = stats::variance_shares(logs, factors_of(runs), cells);
    if (effects) append_shares(study, metric.name, *effects);
  }
}

void fill_drift(Study& study) {
  const std::vector<const Run*> runs = with_latency(study);
  if (runs.empty()) return;
  std::map<int, stats::Points> cells;
  for (const Run* run : runs) {
    cells[run->cell].x.push_back(static_cast<double>(run->start_ns) / kNsPerHour);
    cells[run->cell].y.push_back(std::log(*run->metrics.e2e_s));
  }
  std::vector<double> residuals;
  std::vector<int64_t> ids;  // beside them
  for (const Run* run : runs) {
    if (cells[run->cell].y.size() < 2) continue;
    residuals.push_back(std::log(*run->metrics.e2e_s) - *stats::mean(cells[run->cell].y));
    ids.push_back(run->id);
  }
  for (const size_t marked : set_residuals(study, residuals)) study.outlier_runs.push_back(ids[marked]);
  study.session_hours =
      static_cast<double>(runs.back()->start_ns - runs.front()->start_ns) / kNsPerHour + *runs.back()->metrics.e2e_s / 3600;
  std::vector<stats::Points> points;
  for (auto& [cell, cell_points] : cells) points.push_back(std::move(cell_points));
  set_drift(study, stats::theil_sen_within(points), time_of(runs, latency_of));
}

}  // namespace ifm
