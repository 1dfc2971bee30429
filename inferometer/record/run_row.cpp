#include "inferometer/record/run_row.h"

#include <array>
#include <bit>

#include <nlohmann/json.hpp>

#include "inferometer/base/check.h"
#include "inferometer/base/error.h"
#include "inferometer/record/sql_row.h"
#include "inferometer/record/varint.h"

namespace ifm {
namespace {

constexpr auto kColumns = std::to_array<SqlColumn>({
    {"run_order", "INTEGER NOT NULL"},
    {"block", "INTEGER NOT NULL"},
    {"cell", "INTEGER NOT NULL"},
    {"repeat", "INTEGER NOT NULL"},
    {"kind", "TEXT NOT NULL"},
    {"predecessor", "INTEGER"},
    {"seed", "INTEGER NOT NULL"},
    {"mode", "TEXT NOT NULL"},
    {"engine", "TEXT NOT NULL"},
    {"model", "TEXT NOT NULL"},
    {"prompt", "TEXT NOT NULL"},
    {"max_tokens", "INTEGER NOT NULL"},
    {"temperature", "REAL NOT NULL"},
    {"status", "TEXT NOT NULL"},
    {"error_kind", "TEXT NOT NULL"},
    {"error_message", "TEXT NOT NULL"},
    {"flags", "TEXT NOT NULL"},
    {"intended_start_ns", "INTEGER NOT NULL"},
    {"start_ns", "INTEGER NOT NULL"},
    {"load_begin_ns", "INTEGER"},
    {"load_end_ns", "INTEGER"},
    {"prefill_begin_ns", "INTEGER"},
    {"prefill_end_ns", "INTEGER"},
    {"engine_start_ns", "INTEGER"},
    {"engine_end_ns", "INTEGER"},
    {"stamps", "BLOB NOT NULL"},
    {"first_text_ns", "INTEGER"},
    {"prompt_tokens", "INTEGER"},
    {"cached_tokens", "INTEGER"},
    {"output_tokens", "INTEGER"},
    {"count_source", "TEXT NOT NULL"},
    {"finish_reason", "TEXT NOT NULL"},
    {"output_ids", "BLOB NOT NULL"},
    {"text", "TEXT NOT NULL"},
    {"ids_hash", "TEXT NOT NULL"},
    {"page_cache_share", "REAL"},
    {"steal_percent", "REAL"},
    {"canary_ratio", "REAL"},
    {"load_s", "REAL"},
    {"ttft_s", "REAL"},
    {"e2e_s", "REAL"},
    {"tpot_s", "REAL"},
    {"decode_tok_per_s", "REAL"},
    {"prefill_tok_per_s", "REAL"},
    {"output_tok_per_s", "REAL"},
    {"itl_mean_s", "REAL"},
    {"itl_p50_s", "REAL"},
    {"itl_max_s", "REAL"},
    {"output_bytes_per_s", "REAL"},
    {"drafted_tokens", "INTEGER", 2},
    {"accepted_tokens", "INTEGER", 2},
    {"decode_steps", "INTEGER", 2},
    {"connect_ns", "INTEGER", 3},
    {"server_prefill_ns", "INTEGER", 3},
    {"server_decode_ns", "INTEGER", 3},
    {"server_decode_tokens", "INTEGER", 3},
    {"cpu_ns", "INTEGER", 5},
    {"minor_faults", "INTEGER", 5},
    {"major_faults", "INTEGER", 5},
    {"voluntary_switches", "INTEGER", 5},
    {"involuntary_switches", "INTEGER", 5},
    {"peak_resident_bytes", "INTEGER", 5},
    {"energy_j", "REAL", 5},
    {"frequency_mhz", "REAL", 5},
    {"temperature_c", "REAL", 5},
    {"joules_per_token", "REAL", 5},
});

std::string pack_ids(const std::vector<TokenId>& ids) {
  std::string bytes;
  bytes.reserve(ids.size() * 4);
  for (const TokenId id : ids) {
    const auto value = static_cast<uint32_t>(id);
    for (const unsigned shift : {0U, 8U, 16U, 24U}) bytes += static_cast<char>(value >> shift & 0xFFU);
  }
  return bytes;
}

std::vector<TokenId> unpack_ids(std::string_view bytes) {
  if (bytes.size() % 4 != 0)
    fail(ErrorKind::invalid_data, "output_ids: cut (expected 4 bytes an id, got {} bytes)", bytes.size());
  std::vector<TokenId> ids(bytes.size() / 4);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto value = static_cast<uint32_t>(static_cast<uint8_t>(bytes[i])) << (i % 4 * 8);
    ids[i / 4] = static_cast<TokenId>(static_cast<uint32_t>(ids[i / 4]) | value);
  }
  return ids;
}

std::vector<std::string> unpack_flags(std::string_view text, const RowName& name) {
  try {
    return nlohmann::json::parse(text).get<std::vector<std::string>>();
  } catch (const nlohmann::json::exception& error) {
    fail(ErrorKind::invalid_data, "{}: flags: not as they are written: {}", name(), error.what());
  }
}

void write_metrics(RowWriter& row, const RunMetrics& m) {
  for (const auto* value : {&m.load_s, &m.ttft_s, &m.e2e_s, &m.tpot_s, &m.decode_tok_per_s, &m.prefill_tok_per_s,
                            &m.output_tok_per_s, &m.itl_mean_s, &m.itl_p50_s, &m.itl_max_s, &m.output_bytes_per_s}) {
    row.maybe(*value);
  }
}

template <typename Values>
void read_metrics(ValueReader<Values>& row, RunMetrics& m) {
  for (auto* value : {&m.load_s, &m.ttft_s, &m.e2e_s, &m.tpot_s, &m.decode_tok_per_s, &m.prefill_tok_per_s, &m.output_tok_per_s,
                      &m.itl_mean_s, &m.itl_p50_s, &m.itl_max_s, &m.output_bytes_per_s}) {
    row.maybe(*value);
  }
}

void write_resources(RowWriter& row, const RunResources& r) {
  for (const auto* count :
       {&r.cpu_ns, &r.minor_faults, &r.major_faults, &r.voluntary_switches, &r.involuntary_switches, &r.peak_resident_bytes}) {
    row.maybe(*count);
  }
  for (const auto* value : {&r.energy_j, &r.frequency_mhz, &r.temperature_c}) row.maybe(*value);
}

template <typename Values>
void read_resources(ValueReader<Values>& row, RunResources& r) {
  for (auto* count :
       {&r.cpu_ns, &r.minor_faults, &r.major_faults, &r.voluntary_switches, &r.involuntary_switches, &r.peak_resident_bytes}) {
    row.maybe(*count);
  }
  for (auto* value : {&r.energy_j, &r.frequency_mhz, &r.temperature_c}) row.maybe(*value);
}

}  // namespace

std::span<const SqlColumn> run_columns() { return kColumns; }

bool holds_tokens(const SqlColumn& column) {
  const std::string_view name = column.name;
  return name == "stamps" || name == "output_ids" || name == "text";
}

std::string pack_stamps(const TokenStamps& stamps) {
  IFM_CHECK(stamps.offset_ns.size() == stamps.tokens.size());
  std::string bytes;
  uint64_t last = 0;  // unsigned: any two times have a difference, which unpack_stamps wraps back
  for (std::size_t i = 0; i < stamps.offset_ns.size(); ++i) {
    const auto offset = std::bit_cast<uint64_t>(stamps.offset_ns[i]);
    append_varint(bytes, zigzag(std::bit_cast<int64_t>(offset - last)));
    append_varint(bytes, static_cast<uint64_t>(stamps.tokens[i]));
    last = offset;
  }
  return bytes;
}

TokenStamps unpack_stamps(std::string_view rest) {
  TokenStamps stamps;
  uint64_t last = 0;  // unsigned, so that damaged bytes may wrap
  while (!rest.empty()) {
    last += std::bit_cast<uint64_t>(unzigzag(take_varint(rest)));
    stamps.offset_ns.push_back(std::bit_cast<int64_t>(last));
    stamps.tokens.push_back(static_cast<int>(take_varint(rest)));
  }
  return stamps;
}

SqlRow run_to_row(const Run& run) {
  RowWriter row;
  for (const int value : {run.order, run.block, run.cell, run.repeat}) row.integer(value);
  row.text(run.kind == RunKind::measured ? "measured" : "warmup");
  row.maybe(run.predecessor);
  row.integer(std::bit_cast<int64_t>(run.seed));
  row.text(to_string(run.mode));
  for (const auto* id : {&run.engine, &run.model, &run.prompt}) row.text(*id);
  row.integer(run.max_tokens);
  row.real(run.temperature);
  row.text(run.status == RunStatus::ok ? "ok" : "failed");
  row.text(run.error_kind);
  row.text(run.error_message);
  row.text(nlohmann::json(run.flags).dump());
  row.integer(run.intended_start_ns);
  row.integer(run.start_ns);
  for (const auto* time : {&run.load_begin_ns, &run.load_end_ns, &run.prefill_begin_ns, &run.prefill_end_ns, &run.engine_start_ns,
                           &run.engine_end_ns}) {
    row.maybe(*time);
  }
  row.blob(pack_stamps(run.stamps));
  row.maybe(run.first_text_ns);
  for (const auto* count : {&run.prompt_tokens, &run.cached_tokens, &run.output_tokens}) row.maybe(*count);
  row.text(run.count_source);
  row.text(run.finish_reason);
  row.blob(pack_ids(run.output_ids));
  row.text(run.text);
  row.text(run.ids_hash);
  for (const auto* value : {&run.page_cache_share, &run.steal_percent, &run.canary_ratio}) row.maybe(*value);
  write_metrics(row, run.metrics);
  for (const auto* count : {&run.drafted_tokens, &run.accepted_tokens, &run.decode_steps}) row.maybe(*count);
  for (const auto* time : {&run.connect_ns, &run.server_prefill_ns, &run.server_decode_ns}) row.maybe(*time);
  row.maybe(run.server_decode_tokens);
  write_resources(row, run.resources);
  row.maybe(run.metrics.joules_per_token);
  SqlRow done = row.take();
  IFM_CHECK(done.size() == kColumns.size());
  return done;
}

namespace {

/// tokens: whether the columns that hold them stand there.
template <typename Values>
Run read_run(ValueReader<Values> row, const RowName& name, bool tokens) {
  Run run;
  for (int* value : {&run.order, &run.block, &run.cell, &run.repeat}) *value = row.narrow();
  run.kind = row.word({"measured", "warmup"}) == 0 ? RunKind::measured : RunKind::warmup;
  row.maybe(run.predecessor);
  run.seed = std::bit_cast<uint64_t>(row.integer());
  run.mode = row.word({"warm", "cold"}) == 0 ? Mode::warm : Mode::cold;
  for (auto* id : {&run.engine, &run.model, &run.prompt}) *id = row.text();
  run.max_tokens = row.narrow();
  run.temperature = row.real();
  run.status = row.word({"ok", "failed"}) == 0 ? RunStatus::ok : RunStatus::failed;
  run.error_kind = row.text();
  run.error_message = row.text();
  if (const std::string_view flags = row.text_view(); flags != "[]") run.flags = unpack_flags(flags, name);
  run.intended_start_ns = row.integer();
  run.start_ns = row.integer();
  for (auto* time : {&run.load_begin_ns, &run.load_end_ns, &run.prefill_begin_ns, &run.prefill_end_ns, &run.engine_start_ns,
                     &run.engine_end_ns}) {
    row.maybe(*time);
  }
  if (tokens) run.stamps = under([&] { return name() + ": stamps"; }, [bytes = row.blob()] { return unpack_stamps(bytes); });
  row.maybe(run.first_text_ns);
  for (auto* count : {&run.prompt_tokens, &run.cached_tokens, &run.output_tokens}) row.maybe(*count);
  run.count_source = row.text();
  run.finish_reason = row.text();
  if (tokens) {
    run.output_ids = under(name, [bytes = row.blob()] { return unpack_ids(bytes); });
    run.text = row.text();
  }
  run.ids_hash = row.text();
  for (auto* value : {&run.page_cache_share, &run.steal_percent, &run.canary_ratio}) row.maybe(*value);
  read_metrics(row, run.metrics);
  for (auto* count : {&run.drafted_tokens, &run.accepted_tokens, &run.decode_steps}) row.maybe(*count);
  for (auto* time : {&run.connect_ns, &run.server_prefill_ns, &run.server_decode_ns}) row.maybe(*time);
  row.maybe(run.server_decode_tokens);
  read_resources(row, run.resources);
  row.maybe(run.metrics.joules_per_token);
  return run;
}

}  // namespace

Run run_from_row(std::span<const SqlView> row, const RowName& name) {
  return read_run(RowReader(RowValues(row), name), name, true);
}

Run run_from_packed_level(std::string_view bytes, const RowName& name) {
  return read_run(ValueReader<PackedValues>(PackedValues(bytes), name), name, false);
}

}  // namespace ifm
