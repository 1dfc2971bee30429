#include "inferometer/stats/sequential.h"

#include "inferometer/base/error.h"

namespace ifm::stats {

std::vector<int> looks(const StopRule& rule) {
  constexpr int kLeastRuns = 10;
  if (!(rule.half_width > 0)) fail(ErrorKind::usage, "stop: half_width must be above 0 (got {})", rule.half_width);
  if (rule.min_runs < kLeastRuns)
    fail(ErrorKind::usage, "stop: min_runs is too small (expected at least {}, got {})", kLeastRuns, rule.min_runs);
  if (rule.max_runs < rule.min_runs)
    fail(ErrorKind::usage, "stop: max_runs is below min_runs (expected at least {}, got {})", rule.min_runs, rule.max_runs);
  std::vector<int> planned{rule.min_runs};
  for (int base = 10; base < rule.max_runs && base <= (1 << 29); base *= 2) {
    for (const int look : {base, base / 2 * 3})
      if (look > planned.back() && look < rule.max_runs) planned.push_back(look);
  }
  if (rule.max_runs > planned.back()) planned.push_back(rule.max_runs);
  return planned;
}

Look look_at(const StopRule& rule, std::span<const TimedValue> values, const std::optional<Look>& before) {
  Look look;
  const std::optional<TimeStructure> structure = time_structure(values);
  if (!structure) return look;
  look.ci95 = mean_interval_in_time(values, *structure);
  if (!look.ci95) return look;
  const double centre = (look.ci95->low + look.ci95->high) / 2;
  look.half_width = (look.ci95->high - centre) / centre;
  look.narrow = *look.half_width <= rule.half_width;
  look.stop = look.narrow && before && before->narrow;
  return look;
}

}  // namespace ifm::stats
