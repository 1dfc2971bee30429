#include "inferometer/measure/checks.h"

#include <algorithm>
#include <cstdlib>
#include <numeric>

#include <fmt/format.h>

#include "inferometer/base/sha256.h"
#include "inferometer/measure/one_run.h"

namespace ifm {
namespace {

bool counts_agree(const Run& run, const Completion& done, const Request& request) {
  const int64_t stamped = std::accumulate(run.stamps.tokens.begin(), run.stamps.tokens.end(), int64_t{0});
  if (stamped != done.output_tokens || done.output_tokens > request.max_tokens) return false;
  return done.finish != FinishReason::length || done.output_tokens == request.max_tokens;
}

bool ended_early(const Completion& done, const Request& request) {
  return request.ignore_eos && done.finish == FinishReason::stop && done.output_tokens < request.max_tokens;
}

}  // namespace

void check_run(Run& run, const Completion& done, const Request& request, int64_t handed_over_ns) {
  if (done.finish == FinishReason::cancelled) return set_failed(run, "interrupted", "engine: the request was cancelled");
  if (run.stamps.offset_ns.empty()) return set_failed(run, "engine", "engine: the request gave no tokens");
  run.flags.insert(run.flags.end(), done.flags.begin(), done.flags.end());
  if (!counts_agree(run, done, request) && std::ranges::find(run.flags, "count_disputed") == run.flags.end())
    run.flags.emplace_back("count_disputed");
  if (ended_early(done, request)) run.flags.emplace_back("eos_not_ignored");
  if (done.cached_tokens > 0) run.flags.emplace_back("prompt_cached");
  const int64_t seen_ns = run.start_ns + run.stamps.offset_ns.back() - handed_over_ns;
  const int64_t told_ns = done.end_ns - done.start_ns;
  if (std::llabs(seen_ns - told_ns) > kClockToleranceNs) {
    run.flags.emplace_back("clock_disagreement");
    set_failed(run, "clock",
               fmt::format(
                   "clocks: the laboratory saw the request take {:.3f} ms, the engine says {:.3f} ms (expected within {:.0f} ms)",
                   static_cast<double>(seen_ns) / 1e6, static_cast<double>(told_ns) / 1e6,
                   static_cast<double>(kClockToleranceNs) / 1e6));
  }
}

std::string hash_of_ids(const std::vector<TokenId>& ids) {
  std::string bytes;
  bytes.reserve(ids.size() * 4);
  for (const TokenId id : ids) {
    for (const unsigned shift : {0U, 8U, 16U, 24U}) bytes += static_cast<char>(static_cast<uint32_t>(id) >> shift & 0xFFU);
  }
  return sha256_of(bytes);
}

}  // namespace ifm
