#include <fmt/format.h>

#include "inferometer/render/csv.h"
#include "inferometer/report/csv_files.h"

namespace ifm {
namespace {

std::optional<double> seconds(std::optional<int64_t> ns) {
  return ns ? std::optional<double>(static_cast<double>(*ns) / 1e9) : std::nullopt;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

void add_identity(CsvTable& csv, int64_t session, const Run& run) {
  csv.add_integer(session).add_integer(run.id).add_integer(run.order).add_integer(run.block).add_integer(run.cell);
  csv.add_integer(run.repeat).add_integer(run.predecessor);
  csv.add(to_string(run.mode)).add(run.engine).add(run.model).add(run.prompt);
  csv.add_integer(run.max_tokens).add(run.temperature).add_unsigned(run.seed);
}

void add_outcome(CsvTable& csv, const Run& run) {
  csv.add(run.status == RunStatus::ok ? "ok" : "failed").add(run.error_kind).add(run.error_message).add(joined(run.flags));
  csv.add_integer(run.prompt_tokens).add_integer(run.cached_tokens).add_integer(run.output_tokens);
  csv.add(run.count_source).add(run.finish_reason);
}

void add_metrics(CsvTable& csv, const RunMetrics& m) {
  csv.add(m.load_s).add(m.ttft_s).add(m.e2e_s).add(m.tpot_s).add(m.decode_tok_per_s).add(m.prefill_tok_per_s);
  csv.add(m.output_tok_per_s).add(m.itl_mean_s).add(m.itl_p50_s).add(m.itl_max_s).add(m.output_bytes_per_s);
}

void add_resources(CsvTable& csv, const Run& run) {
  const RunResources& r = run.resources;
  csv.add(seconds(r.cpu_ns)).add_integer(r.minor_faults).add_integer(r.major_faults);
  csv.add_integer(r.voluntary_switches).add_integer(r.involuntary_switches).add_integer(r.peak_resident_bytes);
  csv.add(r.energy_j).add(run.metrics.joules_per_token).add(r.frequency_mhz).add(r.temperature_c);
}

}  // namespace

CsvTable runs_table() {
  return CsvTable({"session",
                   "run",
                   "order",
                   "block",
                   "cell",
                   "repeat",
                   "predecessor",
                   "mode",
                   "engine",
                   "model",
                   "prompt",
                   "max_tokens",
                   "temperature",
                   "seed",
                   "status",
                   "error_kind",
                   "error_message",
                   "flags",
                   "prompt_tokens",
                   "cached_tokens",
                   "output_tokens",
                   "count_source",
                   "finish_reason",
                   "load_s",
                   "ttft_s",
                   "e2e_s",
                   "tpot_s",
                   "decode_tok_per_s",
                   "prefill_tok_per_s",
                   "output_tok_per_s",
                   "itl_mean_s",
                   "itl_p50_s",
                   "itl_max_s",
                   "output_bytes_per_s",
                   "intended_start_s",
                   "start_s",
                   "page_cache_share",
                   "steal_percent",
                   "canary_ratio",
                   "ids_hash",
                   "drafted_tokens",
                   "accepted_tokens",
                   "decode_steps",
                   "connect_s",
                   "server_prefill_s",
                   "server_decode_s",
                   "server_decode_tokens",
                   "cpu_s",
                   "minor_faults",
                   "major_faults",
                   "voluntary_switches",
                   "involuntary_switches",
                   "peak_resident_bytes",
                   "energy_j",
                   "joules_per_token",
                   "frequency_mhz",
                   "temperature_c"});
}

void add_run(CsvTable& csv, int64_t session, const Run& run) {
  add_identity(csv, session, run);
  add_outcome(csv, run);
  add_metrics(csv, run.metrics);
  csv.add(seconds(run.intended_start_ns)).add(seconds(run.start_ns));
  csv.add(run.page_cache_share).add(run.steal_percent).add(run.canary_ratio).add(run.ids_hash);
  csv.add_integer(run.drafted_tokens).add_integer(run.accepted_tokens).add_integer(run.decode_steps);
  csv.add(seconds(run.connect_ns)).add(seconds(run.server_prefill_ns)).add(seconds(run.server_decode_ns));
  csv.add_integer(run.server_decode_tokens);
  add_resources(csv, run);
  csv.end_row();
}

std::string runs_csv(const Study& study) {
  CsvTable csv = runs_table();
  for (const Run& run : study.runs) add_run(csv, study.session.id, run);
  return csv.text();
}

}  // namespace ifm
