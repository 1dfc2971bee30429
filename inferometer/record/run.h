#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "inferometer/base/token_id.h"
#include "inferometer/record/plan.h"

namespace ifm {

enum class RunKind { measured, warmup };
enum class RunStatus { ok, failed };

/// Token events of a run, as columns: when each arrived (ns after `start_ns`) and how many tokens it held.
struct TokenStamps {
  std::vector<int64_t> offset_ns;
  std::vector<int> tokens;
};

/// Numbers derived from one run (METHOD "One request"); null = cannot be known, never 0. SI units.
struct RunMetrics {
  std::optional<double> load_s, ttft_s, e2e_s, tpot_s;
  std::optional<double> decode_tok_per_s, prefill_tok_per_s, output_tok_per_s;
  std::optional<double> itl_mean_s, itl_p50_s, itl_max_s;  ///< over this run's gaps, only if every event held one token
  std::optional<double> output_bytes_per_s;
  std::optional<double> joules_per_token;  ///< the package's whole energy, what it draws at rest included
};

/// What the machine counted from right before a run until right after it, outside of its timing (cold: the process's start and
/// end are inside). Null = cannot be had here; Environment::unavailable says why.
struct RunResources {
  std::optional<int64_t> cpu_ns;  ///< user and system time of this process and all its children, managed servers too
  std::optional<int64_t> minor_faults, major_faults;                ///< of this process only (getrusage)
  std::optional<int64_t> voluntary_switches, involuntary_switches;  ///< likewise
  std::optional<int64_t> peak_resident_bytes;          ///< likewise: its largest since it began, not since the run did
  std::optional<double> energy_j;                      ///< of all processor packages, whoever used it
  std::optional<double> frequency_mhz, temperature_c;  ///< at the run's end: mean over cores, hottest sensor
};

/// One measured request of a cell, with everything that is known of it.
struct Run {
  int64_t id = 0;  ///< the store's
  int order = 0;   ///< position in the session's execution, from 0
  int block = 0;
  int cell = 0;  ///< index into expand_cells(plan)
  int repeat = 0;
  RunKind kind = RunKind::measured;
  std::optional<int> predecessor;  ///< order of the run before it
  uint64_t seed = 0;
  Mode mode = Mode::warm;
  std::string engine, model, prompt;  ///< ids as in the plan
  int max_tokens = 0;
  double temperature = 0;

  RunStatus status = RunStatus::ok;
  std::string error_kind, error_message;  ///< failed only
  std::vector<std::string> flags;         ///< "canary", "steal", "clock_disagreement", "suspended", "count_disputed", …

  int64_t intended_start_ns = 0;  ///< all times: ns after the session's start on the steady clock
  int64_t start_ns = 0;           ///< cold: just before the process is spawned
  std::optional<int64_t> load_begin_ns, load_end_ns;
  std::optional<int64_t> prefill_begin_ns, prefill_end_ns;
  std::optional<int64_t> engine_start_ns, engine_end_ns;  ///< the engine's own account (second clock)
  TokenStamps stamps;
  std::optional<int64_t> first_text_ns;  ///< arrival of the first event with visible text

  std::optional<int> prompt_tokens, cached_tokens, output_tokens;
  /// Speculation: guessed ids that were evaluated, those of them that were sampled, and passes after the prompt's; null without.
  std::optional<int> drafted_tokens, accepted_tokens, decode_steps;
  /// Over HTTP: what a new connection took, inside the request, and what the server itself says; null where unknown.
  std::optional<int64_t> connect_ns, server_prefill_ns, server_decode_ns;
  std::optional<int> server_decode_tokens;
  std::string count_source;   ///< "engine", "usage", "tokenizer", "events"
  std::string finish_reason;  ///< "stop", "length", "cancelled"
  std::vector<TokenId> output_ids;
  std::string text;
  std::string ids_hash;  ///< sha256 of the output ids, little-endian i32

  std::optional<double> page_cache_share;  ///< cold: weights resident at start, 0…1
  std::optional<double> steal_percent;     ///< CPU time stolen while it ran
  std::optional<double> canary_ratio;      ///< its block's canary over the session's median
  RunResources resources;
  RunMetrics metrics;
};

}  // namespace ifm
