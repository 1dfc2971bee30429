#include "inferometer/analysis/check_runs.h"

#include <array>
#include <cmath>
#include <cstdint>
#include <optional>

#include <fmt/format.h>

#include "inferometer/analysis/metrics.h"
#include "inferometer/base/error.h"
#include "inferometer/record/imported.h"

namespace ifm {
namespace {

constexpr double kRounding = 1e-9;  ///< relative: another compiler may round the same division otherwise

struct CheckedMetric {
  const char* name;
  std::optional<double> RunMetrics::*value;
};

/// What tables, tests and verdicts are made of.
constexpr std::array<CheckedMetric, 7> kChecked{{{"load_s", &RunMetrics::load_s},
                                                 {"ttft_s", &RunMetrics::ttft_s},
                                                 {"e2e_s", &RunMetrics::e2e_s},
                                                 {"tpot_s", &RunMetrics::tpot_s},
                                                 {"decode_tok_per_s", &RunMetrics::decode_tok_per_s},
                                                 {"prefill_tok_per_s", &RunMetrics::prefill_tok_per_s},
                                                 {"output_tok_per_s", &RunMetrics::output_tok_per_s}}};

std::string text_of(const std::optional<double>& value) { return value ? fmt::format("{}", *value) : "none"; }

bool same(const std::optional<double>& a, const std::optional<double>& b) {
  if (!a || !b) return a.has_value() == b.has_value();
  return std::abs(*a - *b) <= kRounding * std::abs(*b);
}

/// What is wrong with one run; empty when nothing is.
std::string fault_in_design(const Run& run) {
  if (run.order < 0 || run.block < 0 || run.cell < 0 || run.repeat < 0)
    return "a position below 0 (order, block, cell or repeat)";
  const int least = run.count_source == kImportedCounts ? 0 : 1;  // another program may time a prompt alone
  if (run.max_tokens < least) return fmt::format("max_tokens is {} (expected {} or more)", run.max_tokens, least);
  if (!std::isfinite(run.temperature) || run.temperature < 0)
    return fmt::format("its temperature is {} (expected a number of 0 or more)", run.temperature);
  return "";
}

std::string fault_in_times(const Run& run) {
  if (run.start_ns < 0) return fmt::format("it starts {} ns before its session", -static_cast<double>(run.start_ns));
  const TokenStamps& stamps = run.stamps;
  for (size_t i = 0; i < stamps.offset_ns.size(); ++i) {
    if (stamps.offset_ns[i] < 0) return fmt::format("token event {} is before the run's start", i + 1);
    if (stamps.tokens[i] < 0) return fmt::format("token event {} holds {} tokens", i + 1, stamps.tokens[i]);
    if (i > 0 && stamps.offset_ns[i] < stamps.offset_ns[i - 1]) return fmt::format("token event {} is before event {}", i + 1, i);
  }
  return "";
}

std::string fault_in_metrics(const Run& run) {
  const RunMetrics expected = metrics_of(run);
  for (const CheckedMetric& metric : kChecked) {
    const std::optional<double>& stored = run.metrics.*metric.value;
    const std::optional<double>& from_times = expected.*metric.value;
    if (!same(stored, from_times))
      return fmt::format("its {} does not fit its times and counts (expected {}, got {})", metric.name, text_of(from_times),
                         text_of(stored));
  }
  return "";
}

std::string fault_in_stored_metrics(const Run& run) {
  for (const CheckedMetric& metric : kChecked) {
    const std::optional<double>& stored = run.metrics.*metric.value;
    if (stored && !(*stored >= 0 && std::isfinite(*stored)))
      return fmt::format("its {} is {} (expected a number of 0 or more)", metric.name, *stored);
  }
  return "";
}

}  // namespace

void RunChecker::check(const Run& run, RunTokens tokens) {
  std::string fault = fault_in_design(run);
  if (fault.empty()) fault = fault_in_times(run);
  if (fault.empty() && before_ && run.start_ns < before_->second)
    fault = fmt::format("it starts before run {}, which was executed before it", before_->first);
  if (fault.empty()) fault = tokens == RunTokens::read ? fault_in_metrics(run) : fault_in_stored_metrics(run);
  if (!fault.empty())
    fail(ErrorKind::invalid_data, "{}: run {}: {}; the file was edited, and no number is made from it", file_, run.id, fault);
  before_ = {run.id, run.start_ns};
}

}  // namespace ifm
