#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "inferometer/record/run.h"
#include "inferometer/record/session.h"

namespace ifm {

/// Results of another program in our terms: what it did not record is null, and Environment::unavailable says what is wrong with
/// such data. A run has no token events; its time is that of the other program (engine_start_ns to engine_end_ns), its
/// count_source kImportedCounts. Metrics are not set.
struct ImportedSession {
  Session session;
  std::vector<Run> runs;
};

inline constexpr const char* kImportedCounts = "imported";
inline constexpr const char* kImportedEngine = "imported";  ///< a plan's kind of engine

/// Whether a session was measured by another program.
[[nodiscard]] inline bool is_imported(const Session& session) {
  return !session.plan.engines.empty() && session.plan.engines.front().kind == kImportedEngine;
}

/// What `llama-bench -o json` wrote: a test of each row is a prompt ("pp512", "tg128 @ d4096"), a sample a run.
/// name: of the file, for messages. @throws Error invalid_data naming the row and the field.
/// Source: llama.cpp tools/llama-bench/llama-bench.cpp @0c1e570 (json_printer, test::get_fields).
[[nodiscard]] ImportedSession import_llama_bench(std::string_view json, const std::string& name);

/// The raw results of the study that Inferometer grew from: a folder of JSON files, each a run or a list of runs with the fields
/// model, prompt, max_tokens, temperature, latency (seconds) and tokens (null or absent = unknown). Files in the order of their
/// names.
/// @throws Error not_found without such a file, invalid_data naming the file, the run and the field.
[[nodiscard]] ImportedSession import_latencies(const std::filesystem::path& folder);

}  // namespace ifm
