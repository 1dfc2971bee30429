#include "inferometer/measure/early_stop.h"

#include <algorithm>

#include "inferometer/analysis/study.h"
#include "inferometer/base/check.h"
#include "inferometer/record/run_metric.h"

namespace ifm {
namespace {

std::optional<double> value_of(const Run& run, const std::string& name) {
  const auto* metric = std::ranges::find(kStopMetrics, name, &PlanMetric::name);
  IFM_CHECK(metric != kStopMetrics.end());  // the plan's parser knows no other
  return run.metrics.*metric->value;
}

}  // namespace

EarlyStop::EarlyStop(const PlanStop& stop)
    : stop_(stop),
      rule_{.half_width = stop.half_width, .min_runs = stop.min_runs, .max_runs = stop.max_runs},
      looks_(stats::looks(rule_)) {}

void EarlyStop::add(const Run& run) {
  const std::optional<double> value = value_of(run, stop_.of);
  Series& series = series_[series_label(run, true)];  // one whose runs all fail is never known
  if (value && is_timed(run)) series.values.push_back({*value, run.cell, static_cast<double>(run.start_ns)});
}

bool EarlyStop::ends_after(int blocks_done, int64_t session_ns) {
  const bool known = std::ranges::find(looks_, blocks_done) != looks_.end() && look();
  return known || (stop_.max_time_s > 0 && static_cast<double>(session_ns) >= stop_.max_time_s * 1e9);
}

bool EarlyStop::look() {
  bool all = !series_.empty();
  for (auto& [label, series] : series_) {
    series.last_look = stats::look_at(rule_, series.values, series.last_look);
    all = all && series.last_look->stop;
  }
  return all;
}

}  // namespace ifm
