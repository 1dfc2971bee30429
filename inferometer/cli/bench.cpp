#include "inferometer/cli/bench.h"

#include <algorithm>
#include <cmath>
#include <span>

#include <fmt/format.h>

#include "inferometer/base/check.h"
#include "inferometer/base/error.h"
#include "inferometer/base/rng.h"
#include "inferometer/base/token_id.h"
#include "inferometer/stats/describe.h"

namespace ifm {
namespace {

constexpr int kWarmupSteps = 8;
constexpr int64_t kMinWorkingSetBytes = int64_t{1} << 20;
constexpr int64_t kMaxWorkingSetBytes = int64_t{1} << 30;
constexpr uint64_t kTokenSeed = 1;

/// Ids that any vocabulary has; which ones does not matter for a dense model, that they are the same every time does.
std::vector<TokenId> random_ids(int count, int vocab) {
  Rng rng(kTokenSeed);
  std::vector<TokenId> ids(static_cast<std::size_t>(count));
  for (TokenId& id : ids) id = static_cast<TokenId>(rng.below(static_cast<uint64_t>(vocab)));
  return ids;
}

/// Puts every sequence of the row at its depth: what stands there from a sample before is kept.
void reach_depth(const BenchRow& row, std::span<const TokenId> ids, Evaluator& evaluator) {
  const bool there = evaluator.position() >= row.depth;
  evaluator.truncate(there ? row.depth : 0);
  if (there) return;
  for (int i = 0; i < row.parallel; ++i) evaluator.prefill_sequence(i, ids.first(static_cast<std::size_t>(row.depth)));
}

/// Evaluates the row once, its first `steps` steps only when generating; returns the time without that of reaching the depth.
int64_t evaluate(const BenchRow& row, int steps, std::span<const TokenId> ids, Evaluator& evaluator, Clock& clock) {
  reach_depth(row, ids, evaluator);
  const std::span<const TokenId> measured = ids.subspan(static_cast<std::size_t>(row.depth));
  std::vector<TokenId> together(static_cast<std::size_t>(row.parallel));
  const int64_t begin_ns = clock.now_ns();
  if (row.prompt > 0) {
    evaluator.prefill(measured.first(static_cast<std::size_t>(row.prompt)));
  } else {
    for (int i = 0; i < steps; ++i) {
      std::ranges::fill(together, measured[static_cast<std::size_t>(i)]);
      evaluator.step_together(together);
    }
  }
  return clock.now_ns() - begin_ns;
}

/// Multiply-adds of the whole row: layers for every token, attention over what each token sees, and the head.
std::optional<double> row_macs(const BenchRow& row, const ModelInfo& info) {
  if (!info.macs_per_token || !info.head_macs || !info.attention_macs_per_position) return std::nullopt;
  const double tokens = row.prompt + row.generate;  // of one sequence
  const double seen = tokens * row.depth + tokens * (tokens + 1) / 2;
  double macs =
      static_cast<double>(*info.macs_per_token) * tokens + static_cast<double>(*info.attention_macs_per_position) * seen;
  if (row.prompt > 0) {
    const double seen_by_last = row.depth + tokens;
    macs -= static_cast<double>(info.logits_only_macs.value_or(0)) * (tokens - 1) +
            static_cast<double>(info.logits_only_attention_macs_per_position.value_or(0)) * (seen - seen_by_last);
  }
  return row.parallel * (macs + static_cast<double>(*info.head_macs) * (row.prompt > 0 ? 1 : tokens));
}

/// After the time was taken: broken weights would otherwise get a speed.
void check_logits(const BenchRow& row, std::span<const float> logits) {
  if (std::ranges::all_of(logits, [](float logit) { return std::isfinite(logit); })) return;
  fail(ErrorKind::engine, "logits: not finite (NaN or infinity) in row {}; the model or its weights are broken", row_name(row));
}

void check_stop(const StopToken& stop) {
  if (stop.stop_requested()) fail(ErrorKind::interrupted, "bench: interrupted");
}

}  // namespace

std::string row_name(const BenchRow& row) {
  std::string name = row.prompt > 0 ? fmt::format("pp{}", row.prompt) : fmt::format("tg{}", row.generate);
  if (row.parallel > 1) name += fmt::format(" x {}", row.parallel);
  if (row.depth > 0) name += fmt::format(" @ d{}", row.depth);
  return name;
}

std::vector<BenchRow> bench_rows(const std::vector<int>& prompts, const std::vector<int>& generations,
                                 const std::vector<int>& depths, const std::vector<int>& parallel) {
  std::vector<BenchRow> rows;
  for (const int depth : depths) {
    for (const int prompt : prompts) {
      if (prompt > 0) rows.push_back({.prompt = prompt, .depth = depth});
    }
    for (const int generate : generations) {
      if (generate == 0) continue;
      for (const int sequences : parallel) rows.push_back({.generate = generate, .depth = depth, .parallel = sequences});
    }
  }
  return rows;
}

int needed_context(const std::vector<BenchRow>& rows) {
  int longest = 0;
  for (const BenchRow& row : rows) longest = std::max(longest, row.depth + row.prompt + row.generate);
  return longest;
}

int needed_sequences(const std::vector<BenchRow>& rows) {
  int most = 1;
  for (const BenchRow& row : rows) most = std::max(most, row.parallel);
  return most;
}

std::optional<double> step_bytes(const BenchRow& row, const ModelInfo& info) {
  if (row.generate == 0 || !info.bytes_per_token || !info.cache_bytes_per_position) return std::nullopt;
  const double mean_depth = row.depth + (row.generate - 1) / 2.0;
  return static_cast<double>(*info.bytes_per_token) +
         row.parallel * static_cast<double>(*info.cache_bytes_per_position) * (mean_depth + 1);
}

int64_t working_set_bytes(const BenchRow& row, const ModelInfo& info) {
  const auto weights = static_cast<double>(info.bytes_per_token.value_or(kMaxWorkingSetBytes));
  return std::clamp(static_cast<int64_t>(step_bytes(row, info).value_or(weights)), kMinWorkingSetBytes, kMaxWorkingSetBytes);
}

BenchResult measure_row(const BenchRow& row, int repetitions, const ModelInfo& info, Evaluator& evaluator, Clock& clock,
                        const std::function<BenchLimits()>& measure_limits, const std::function<void()>& progress,
                        const StopToken& stop) {
  IFM_CHECK((row.prompt > 0) != (row.generate > 0) && repetitions > 0);
  BenchResult result{.row = row};
  const std::vector<TokenId> ids = random_ids(row.depth + row.prompt + row.generate, evaluator.vocab());
  check_stop(stop);
  evaluator.reset();
  result.measured_limits.push_back(measure_limits());
  evaluate(row, std::min(row.generate, kWarmupSteps), ids, evaluator, clock);
  check_logits(row, evaluator.logits());
  progress();
  for (int i = 0; i < repetitions; ++i) {
    check_stop(stop);
    result.samples_ns.push_back(evaluate(row, row.generate, ids, evaluator, clock));
    check_logits(row, evaluator.logits());
    check_stop(stop);
    result.measured_limits.push_back(measure_limits());
    progress();
  }
  derive(result, info);
  return result;
}

namespace {

/// The limits of sample i: the higher of what was measured before and after it, and whether these agree.
struct SampleLimits {
  BenchLimits higher;
  bool steady = false;
};
SampleLimits limits_of(const BenchResult& result, std::size_t i) {
  const BenchLimits& before = result.measured_limits[i];
  const BenchLimits& after = result.measured_limits[i + 1];
  const auto agree = [](double a, double b) { return std::min(a, b) >= (1 - kSteadyLimits) * std::max(a, b); };
  SampleLimits out{before.int8_gmac_per_s > after.int8_gmac_per_s ? before : after,
                   agree(before.read_gb_per_s, after.read_gb_per_s) && agree(before.int8_gmac_per_s, after.int8_gmac_per_s)};
  out.higher.read_gb_per_s = std::max(before.read_gb_per_s, after.read_gb_per_s);
  return out;
}

/// The median share of a limit (in units of 10^9 a second) at `per_token` units, flagged where it cannot be.
std::optional<double> share_of(const std::optional<double>& per_token, const std::vector<double>& speeds,
                               const std::vector<double>& limits, const char* flag, std::vector<std::string>& flags) {
  if (!per_token || std::ranges::any_of(limits, [](double limit) { return limit <= 0; })) return std::nullopt;
  std::vector<double> shares;
  for (std::size_t i = 0; i < speeds.size(); ++i) shares.push_back(*per_token * speeds[i] / (limits[i] * 1e9));
  const double share = stats::median(shares).value();
  if (share > kHighestShare) flags.emplace_back(flag);
  return share;
}

void derive_shares(BenchResult& result) {
  std::vector<double> speeds, reads, peaks;
  const auto take = [&](bool only_steady) {
    for (std::size_t i = 0; i < result.samples_tok_per_s.size(); ++i) {
      const SampleLimits limits = limits_of(result, i);
      if (only_steady && !limits.steady) continue;
      speeds.push_back(result.samples_tok_per_s[i]);
      reads.push_back(limits.higher.read_gb_per_s);
      peaks.push_back(limits.higher.int8_gmac_per_s);
    }
  };
  take(true);
  if (speeds.empty()) {
    result.flags.emplace_back("limits_changed");
    take(false);
  }
  result.limits = {stats::median(reads).value(), stats::median(peaks).value(), limits_of(result, 0).higher.int8_instruction};
  result.mbu = share_of(result.bytes_per_token, speeds, reads, "mbu_over_limit", result.flags);
  result.mac_share = share_of(result.macs_per_token, speeds, peaks, "mac_share_over_limit", result.flags);
}

}  // namespace

void derive(BenchResult& result, const ModelInfo& info) {
  IFM_CHECK(result.measured_limits.size() == result.samples_ns.size() + 1);
  const double tokens = result.row.tokens();
  std::vector<double> times_ns;
  for (const int64_t sample_ns : result.samples_ns) {
    times_ns.push_back(static_cast<double>(sample_ns));
    result.samples_tok_per_s.push_back(tokens * 1e9 / static_cast<double>(sample_ns));
  }
  result.mean_ns = stats::mean(times_ns).value();
  result.mean_tok_per_s = stats::mean(result.samples_tok_per_s).value();
  result.sd_ns = stats::sd(times_ns);
  result.sd_tok_per_s = stats::sd(result.samples_tok_per_s);
  if (const std::optional<double> bytes = step_bytes(result.row, info)) result.bytes_per_token = *bytes / result.row.parallel;
  if (const std::optional<double> macs = row_macs(result.row, info)) result.macs_per_token = *macs / tokens;

  derive_shares(result);
  for (const std::optional<double>& share : {result.mbu, result.mac_share}) {
    if (share) result.limit_share = std::max(*share, result.limit_share.value_or(0));
  }
}

}  // namespace ifm
