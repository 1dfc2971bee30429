#include <algorithm>

#include "inferometer/base/sha256.h"
#include "inferometer/record/imported_rows.h"

namespace ifm {
namespace {

using nlohmann::json;

constexpr const char* kEngine = "llama-bench";

/// "pp512", "tg128", "pp512+tg128", each with " @ d4096" where the cache was not empty.
std::string test_name(int prompt, int generated, int depth) {
  std::string name;
  if (prompt > 0) name = fmt::format("pp{}", prompt);
  if (generated > 0) name += fmt::format("{}tg{}", name.empty() ? "" : "+", generated);
  if (depth > 0) name += fmt::format(" @ d{}", depth);
  return name;
}

/// One row of the list.
struct Row {
  std::string model, test;
  int prompt = 0;
  int generated = 0;
  std::vector<int64_t> samples_ns;
};

Row read_row(const json& item, const std::string& where) {
  if (!item.is_object()) fail(ErrorKind::invalid_data, "{}: not a row (expected an object)", where);
  Row row;
  row.model = imported_text(item, "model_filename", where);
  row.prompt = imported_count(item, "n_prompt", 0, where);
  row.generated = imported_count(item, "n_gen", 0, where);
  row.test = test_name(row.prompt, row.generated, item.contains("n_depth") ? imported_count(item, "n_depth", 0, where) : 0);
  if (row.prompt + row.generated == 0) fail(ErrorKind::invalid_data, "{}: neither a prompt nor generated tokens", where);
  const auto samples = item.find("samples_ns");
  if (samples == item.end() || !samples->is_array() || samples->empty())
    fail(ErrorKind::invalid_data, "{}: no samples_ns (expected a list of times; -o json writes it)", where);
  for (const json& sample : *samples)
    row.samples_ns.push_back(static_cast<int64_t>(imported_number({{"samples_ns", sample}}, "samples_ns", 1, where)));
  return row;
}

void describe_machine(ImportedSession& imported, const json& item, const Row& row, const std::string& where) {
  Session& session = imported.session;
  session.environment.cpu = imported_text(item, "cpu_info", where);
  session.environment.gpu = imported_text_or_empty(item, "gpu_info");
  if (session.started_utc.empty()) session.started_utc = imported_text_or_empty(item, "test_time");
  const bool known =
      std::any_of(session.models.begin(), session.models.end(), [&](const SessionModel& m) { return m.model == row.model; });
  if (known) return;
  SessionModel model{.engine = kEngine, .model = row.model, .path = row.model};
  model.architecture = imported_text_or_empty(item, "model_type");
  model.threads = imported_count(item, "n_threads", 0, where);
  model.weight_bytes = static_cast<int64_t>(imported_number(item, "model_size", 0, where));
  model.parameters = static_cast<int64_t>(imported_number(item, "model_n_params", 0, where));
  model.engine_version = imported_text_or_empty(item, "build_commit");
  session.models.push_back(std::move(model));
}

Run run_of(const Row& row, int64_t sample_ns) {
  Run run{.engine = kEngine, .model = row.model, .prompt = row.test, .max_tokens = row.generated};
  run.count_source = kImportedCounts;
  run.engine_start_ns = 0;
  run.engine_end_ns = sample_ns;
  if (row.prompt > 0) run.prompt_tokens = row.prompt;
  if (row.generated > 0) run.output_tokens = row.generated;
  if (row.generated == 0) {
    run.prefill_begin_ns = 0;
    run.prefill_end_ns = sample_ns;
  }
  return run;
}

std::vector<std::string> what_is_not_known() {
  return {
      "token times: llama-bench times a test as a whole, so there is no time to first token, no decode speed of a reader and no "
      "gap",
      "text: nothing is sampled, tg is a row of single-token evaluations of random ids",
      "order: tests stand in the order of the command, one after the other, so what the machine did meanwhile is inside their "
      "differences",
      "machine: its state, limits, compiler and flags are not recorded",
      "weights: only a file's name and size are recorded, no hash"};
}

}  // namespace

ImportedSession import_llama_bench(std::string_view text, const std::string& name) {
  const json list = parse_imported(text, name);
  if (!list.is_array() || list.empty())
    fail(ErrorKind::invalid_data, "{}: not what llama-bench -o json writes (expected a list of rows)", name);
  ImportedSession imported;
  Plan& plan = imported.session.plan;
  plan.name = "llama-bench";
  plan.description = "Imported from " + name;
  plan.engines = {{.id = kEngine, .kind = kImportedEngine}};
  plan.warmup = 0;
  plan.temperatures = {0};
  plan.hash = sha256_of(text);
  std::vector<Row> rows;
  for (size_t i = 0; i < list.size(); ++i) {
    const std::string where = fmt::format("{}: row {}", name, i + 1);
    rows.push_back(read_row(list[i], where));
    describe_machine(imported, list[i], rows.back(), where);
  }
  plan.models = in_order_seen(rows, &Row::model);
  plan.max_tokens = in_order_seen(rows, &Row::generated);
  for (const std::string& test : in_order_seen(rows, &Row::test)) plan.prompts.push_back({.id = test, .text = {}, .raw = true});
  ImportedRuns runs(imported);
  for (const Row& row : rows) {
    for (const int64_t sample_ns : row.samples_ns) runs.add(run_of(row, sample_ns));
  }
  imported.session.finished_utc = imported.session.started_utc;
  imported.session.environment.unavailable = what_is_not_known();
  return imported;
}

}  // namespace ifm
