#include "inferometer/analysis/metrics.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "inferometer/base/check.h"
#include "inferometer/record/imported.h"
#include "inferometer/stats/describe.h"

namespace ifm {
namespace {

constexpr double kNsPerSecond = 1e9;  // divided by, so that whole nanoseconds print as such

std::optional<double> span_s(std::optional<int64_t> begin_ns, std::optional<int64_t> end_ns) {
  if (!begin_ns || !end_ns || *end_ns < *begin_ns) return std::nullopt;
  return static_cast<double>(*end_ns - *begin_ns) / kNsPerSecond;
}

std::optional<double> rate(double amount, std::optional<double> seconds) {
  if (!seconds || *seconds <= 0) return std::nullopt;
  return amount / *seconds;
}

bool has_flag(const Run& run, const char* flag) { return std::find(run.flags.begin(), run.flags.end(), flag) != run.flags.end(); }

void set_gaps(const TokenStamps& events, RunMetrics& metrics) {
  const bool single = std::all_of(events.tokens.begin(), events.tokens.end(), [](int k) { return k == 1; });
  if (!single || events.offset_ns.size() < 2) return;
  std::vector<double> gaps;
  for (size_t i = 1; i < events.offset_ns.size(); ++i)
    gaps.push_back(static_cast<double>(events.offset_ns[i] - events.offset_ns[i - 1]) / kNsPerSecond);
  metrics.itl_mean_s = stats::mean(gaps);
  metrics.itl_p50_s = stats::median(gaps);
  metrics.itl_max_s = stats::maximum(gaps);
}

void set_token_rates(const Run& run, const TokenStamps& events, RunMetrics& metrics) {
  if (run.prompt_tokens) {
    const int evaluated = *run.prompt_tokens - run.cached_tokens.value_or(0);
    // A server's own figure where we cannot see when its prefill begins and ends; never P / TTFT.
    const auto prefill_s =
        run.server_prefill_ns ? span_s(0, run.server_prefill_ns) : span_s(run.prefill_begin_ns, run.prefill_end_ns);
    if (evaluated > 0) metrics.prefill_tok_per_s = rate(evaluated, prefill_s);
  }
  if (run.output_tokens && *run.output_tokens > 0) {
    const int after_first = *run.output_tokens - events.tokens.front();
    metrics.output_tok_per_s = rate(*run.output_tokens, metrics.e2e_s);
    if (run.resources.energy_j) metrics.joules_per_token = *run.resources.energy_j / *run.output_tokens;
    if (after_first > 0 && events.offset_ns.size() > 1) {
      metrics.tpot_s = static_cast<double>(events.offset_ns.back() - events.offset_ns.front()) / kNsPerSecond / after_first;
      metrics.decode_tok_per_s = rate(1.0, metrics.tpot_s);
    }
  }
  set_gaps(events, metrics);
}

/// Of another program's run only the whole is known: its time, and what it evaluated or gave in it.
void set_imported(const Run& run, RunMetrics& metrics) {
  metrics.e2e_s = span_s(run.engine_start_ns, run.engine_end_ns);
  if (run.prompt_tokens) metrics.prefill_tok_per_s = rate(*run.prompt_tokens, span_s(run.prefill_begin_ns, run.prefill_end_ns));
  if (run.output_tokens && *run.output_tokens > 0) metrics.output_tok_per_s = rate(*run.output_tokens, metrics.e2e_s);
}

}  // namespace

TokenStamps token_events(const TokenStamps& stamps) {
  IFM_CHECK(stamps.offset_ns.size() == stamps.tokens.size());
  TokenStamps events;
  for (size_t i = 0; i < stamps.tokens.size(); ++i) {
    if (stamps.tokens[i] <= 0) continue;  // keep-alive or role-only: not an event of METHOD's
    events.offset_ns.push_back(stamps.offset_ns[i]);
    events.tokens.push_back(stamps.tokens[i]);
  }
  return events;
}

RunMetrics metrics_of(const Run& run) {
  RunMetrics metrics;
  if (run.status == RunStatus::failed) return metrics;
  metrics.load_s = span_s(run.load_begin_ns, run.load_end_ns);
  const TokenStamps events = token_events(run.stamps);
  if (events.tokens.empty()) {
    if (run.count_source == kImportedCounts) set_imported(run, metrics);
    return metrics;
  }
  metrics.ttft_s = static_cast<double>(events.offset_ns.front()) / kNsPerSecond;
  metrics.e2e_s = static_cast<double>(events.offset_ns.back()) / kNsPerSecond;
  if (!run.text.empty()) metrics.output_bytes_per_s = rate(static_cast<double>(run.text.size()), metrics.e2e_s);
  if (!has_flag(run, "count_disputed")) set_token_rates(run, events, metrics);
  // Shorter than what was asked for, so no latency of that length; its rates are what they are (METHOD, rule 4).
  if (has_flag(run, "eos_not_ignored")) metrics.e2e_s = std::nullopt;
  return metrics;
}

std::optional<int64_t> smallest_gap_ns(const Run& run) {
  const std::vector<int64_t> at_ns = token_events(run.stamps).offset_ns;
  std::optional<int64_t> smallest;
  for (size_t i = 1; i < at_ns.size(); ++i)
    smallest = std::min(smallest.value_or(at_ns[i] - at_ns[i - 1]), at_ns[i] - at_ns[i - 1]);
  return smallest;
}

}  // namespace ifm
