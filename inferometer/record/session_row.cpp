#include "inferometer/record/session_row.h"

#include <array>
#include <bit>

#include "inferometer/record/json_codec.h"
#include "inferometer/record/sql_row.h"

namespace ifm {
namespace {

constexpr auto kSessionColumns = std::to_array<SqlColumn>({
    {"started_utc", "TEXT NOT NULL"},
    {"plan_name", "TEXT NOT NULL"},
    {"plan_hash", "TEXT NOT NULL"},
    {"plan_source", "TEXT NOT NULL"},
    {"plan_json", "TEXT NOT NULL"},
    {"order_seed", "INTEGER NOT NULL"},
    {"environment_json", "TEXT NOT NULL"},
    {"command", "TEXT NOT NULL"},
});
constexpr auto kModelColumns = std::to_array<SqlColumn>({
    {"position", "INTEGER NOT NULL"},
    {"engine", "TEXT NOT NULL"},
    {"model", "TEXT NOT NULL"},
    {"path", "TEXT NOT NULL"},
    {"architecture", "TEXT NOT NULL"},
    {"quantization", "TEXT NOT NULL"},
    {"hash", "TEXT NOT NULL"},
    {"isa", "TEXT NOT NULL"},
    {"accuracy", "TEXT NOT NULL"},
    {"threads", "INTEGER NOT NULL"},
    {"context", "INTEGER NOT NULL"},
    {"weight_bytes", "INTEGER"},
    {"parameters", "INTEGER"},
    {"bytes_per_token", "INTEGER"},
    {"load_s", "REAL"},
    {"engine_version", "TEXT", 4},
    {"macs_per_token", "INTEGER", 6},
    {"head_macs", "INTEGER", 6},
    {"attention_macs_per_position", "INTEGER", 6},
    {"logits_only_macs", "INTEGER", 6},
    {"cache_bytes_per_position", "INTEGER", 6},
});
constexpr auto kBlockColumns = std::to_array<SqlColumn>({
    {"block", "INTEGER NOT NULL"},
    {"first_order", "INTEGER NOT NULL"},
    {"started_ns", "INTEGER NOT NULL"},
    {"canary_compute_ns", "INTEGER"},
    {"canary_read_ns", "INTEGER"},
    {"temperature_c", "REAL"},
    {"frequency_mhz", "REAL"},
    {"load_1m", "REAL"},
    {"waiting_cpu_share", "REAL", 4},
});

}  // namespace

std::span<const SqlColumn> session_columns() { return kSessionColumns; }
std::span<const SqlColumn> model_columns() { return kModelColumns; }
std::span<const SqlColumn> block_columns() { return kBlockColumns; }

SqlRow session_to_row(const Session& session) {
  RowWriter row;
  row.text(session.started_utc);
  row.text(session.plan.name);
  row.text(session.plan.hash);
  row.text(session.plan.source);
  row.text(plan_to_json(session.plan).dump());
  row.integer(std::bit_cast<int64_t>(session.order_seed));
  row.text(environment_to_json(session.environment).dump());
  row.text(session.command);
  return row.take();
}

Session session_from_row(std::span<const SqlView> values, const std::string& what) {
  const RowName name_of_row = [&what] { return what; };
  RowReader row(RowValues(values), name_of_row);
  Session session;
  session.started_utc = row.text();
  const std::string name = row.text();
  const std::string hash = row.text();
  std::string source = row.text();
  const std::string plan = row.text();
  session.order_seed = std::bit_cast<uint64_t>(row.integer());
  const std::string environment = row.text();
  session.command = row.text();
  try {
    session.plan = plan_from_json(nlohmann::json::parse(plan));
    session.environment = environment_from_json(nlohmann::json::parse(environment));
  } catch (const nlohmann::json::exception& error) {
    fail(ErrorKind::invalid_data, "{}: plan {} ({}): not as it is written: {}", what, name, hash, error.what());
  }
  session.plan.source = std::move(source);
  return session;
}

SqlRow model_to_row(int position, const SessionModel& model) {
  RowWriter row;
  row.integer(position);
  for (const auto* text : {&model.engine, &model.model, &model.path, &model.architecture, &model.quantization, &model.hash,
                           &model.isa, &model.accuracy}) {
    row.text(*text);
  }
  row.integer(model.threads);
  row.integer(model.context);
  for (const auto* number : {&model.weight_bytes, &model.parameters, &model.bytes_per_token}) row.maybe(*number);
  row.maybe(model.load_s);
  row.maybe_text(model.engine_version);
  for (const auto* number : {&model.macs_per_token, &model.head_macs, &model.attention_macs_per_position, &model.logits_only_macs,
                             &model.cache_bytes_per_position}) {
    row.maybe(*number);
  }
  return row.take();
}

SessionModel model_from_row(std::span<const SqlView> values, const std::string& what) {
  const RowName name_of_row = [&what] { return what; };
  RowReader row(RowValues(values), name_of_row);
  SessionModel model;
  (void)row.integer();
  for (auto* text : {&model.engine, &model.model, &model.path, &model.architecture, &model.quantization, &model.hash, &model.isa,
                     &model.accuracy}) {
    *text = row.text();
  }
  model.threads = row.narrow();
  model.context = row.narrow();
  for (auto* number : {&model.weight_bytes, &model.parameters, &model.bytes_per_token}) row.maybe(*number);
  row.maybe(model.load_s);
  model.engine_version = row.maybe_text();
  for (auto* number : {&model.macs_per_token, &model.head_macs, &model.attention_macs_per_position, &model.logits_only_macs,
                       &model.cache_bytes_per_position}) {
    row.maybe(*number);
  }
  return model;
}

SqlRow block_to_row(const BlockRecord& block) {
  RowWriter row;
  row.integer(block.block);
  row.integer(block.first_order);
  row.integer(block.started_ns);
  row.maybe(block.canary_compute_ns);
  row.maybe(block.canary_read_ns);
  for (const auto* number : {&block.temperature_c, &block.frequency_mhz, &block.load_1m, &block.waiting_cpu_share})
    row.maybe(*number);
  return row.take();
}

BlockRecord block_from_row(std::span<const SqlView> values, const std::string& what) {
  const RowName name_of_row = [&what] { return what; };
  RowReader row(RowValues(values), name_of_row);
  BlockRecord block;
  block.block = row.narrow();
  block.first_order = row.narrow();
  block.started_ns = row.integer();
  row.maybe(block.canary_compute_ns);
  row.maybe(block.canary_read_ns);
  for (auto* number : {&block.temperature_c, &block.frequency_mhz, &block.load_1m, &block.waiting_cpu_share}) row.maybe(*number);
  return block;
}

}  // namespace ifm
