#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>

#include "inferometer/base/sha256.h"
#include "inferometer/record/imported_rows.h"

namespace ifm {
namespace {

using nlohmann::json;

constexpr const char* kEngine = "unknown";

/// One run of a file.
struct Row {
  std::string model, prompt;
  int max_tokens = 0;
  double temperature = 0;
  double latency_s = 0;
  std::optional<int> tokens;
};

Row read_row(const json& item, const std::string& where) {
  if (!item.is_object()) fail(ErrorKind::invalid_data, "{}: not a run (expected an object)", where);
  Row row;
  row.model = imported_text(item, "model", where);
  row.prompt = imported_text(item, "prompt", where);
  row.max_tokens = imported_count(item, "max_tokens", 1, where);
  row.temperature = imported_number(item, "temperature", 0, where);
  row.latency_s = imported_number(item, "latency", 1e-9, where);
  if (const auto tokens = item.find("tokens"); tokens != item.end() && !tokens->is_null())
    row.tokens = imported_count(item, "tokens", 0, where);
  return row;
}

std::vector<std::filesystem::path> json_files(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  if (std::filesystem::is_directory(folder)) {
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      if (entry.is_regular_file() && entry.path().extension() == ".json") files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  if (files.empty())
    fail(ErrorKind::not_found, "{}: no .json file there (expected a folder of a study's raw results)", folder.string());
  return files;
}

std::vector<Row> read_rows(const std::filesystem::path& folder, std::string& all_bytes) {
  std::vector<Row> rows;
  for (const std::filesystem::path& file : json_files(folder)) {
    std::ifstream stream(file, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
    if (!stream) fail(ErrorKind::io, "{}: cannot be read", file.string());
    all_bytes += bytes;
    json document = parse_imported(bytes, file.string());
    if (document.is_object()) document = json::array({document});
    if (!document.is_array()) fail(ErrorKind::invalid_data, "{}: neither a run nor a list of runs", file.string());
    for (size_t i = 0; i < document.size(); ++i)
      rows.push_back(read_row(document[i], fmt::format("{}: run {}", file.string(), i + 1)));
  }
  if (rows.empty()) fail(ErrorKind::not_found, "{}: no run in its files", folder.string());
  return rows;
}

std::vector<std::string> what_is_not_known(const std::vector<Row>& rows) {
  std::vector<std::string> list{
      "token times: only whole latencies are recorded, so there is no time to first token, no decode speed and no gap",
      "counting: how tokens were counted is not recorded (words, characters over four, or ids), so every rate is of unknown "
      "tokens",
      "temperature: no token ids and no texts are recorded, so nobody can tell whether it ever reached the engine",
      "model load: whether starting the program and loading the model are inside a latency is not recorded",
      "warm-up and order: not recorded, so drift and first runs cannot be told from the rest",
      "machine, engine and build: not recorded"};
  const auto uncounted = std::count_if(rows.begin(), rows.end(), [](const Row& row) { return !row.tokens; });
  if (uncounted > 0) list.push_back(fmt::format("tokens: {} of {} runs have none", uncounted, rows.size()));
  const auto longer =
      std::count_if(rows.begin(), rows.end(), [](const Row& row) { return row.tokens && *row.tokens > row.max_tokens; });
  if (longer > 0)
    list.push_back(
        fmt::format("tokens: {} of {} runs have more than was asked for, so they count something else", longer, rows.size()));
  return list;
}

}  // namespace

ImportedSession import_latencies(const std::filesystem::path& folder) {
  ImportedSession imported;
  std::string all_bytes;
  const std::vector<Row> rows = read_rows(folder, all_bytes);
  Plan& plan = imported.session.plan;
  plan.name = "imported";
  plan.description = "Imported from " + folder.string();
  plan.engines = {{.id = kEngine, .kind = kImportedEngine}};
  plan.models = in_order_seen(rows, &Row::model);
  plan.max_tokens = in_order_seen(rows, &Row::max_tokens);
  plan.temperatures = in_order_seen(rows, &Row::temperature);
  const std::vector<std::string> prompts = in_order_seen(rows, &Row::prompt);
  for (size_t i = 0; i < prompts.size(); ++i) plan.prompts.push_back({.id = fmt::format("prompt {}", i + 1), .text = prompts[i]});
  plan.warmup = 0;
  plan.hash = sha256_of(all_bytes);
  ImportedRuns runs(imported);
  for (const Row& row : rows) {
    const auto prompt = static_cast<size_t>(std::find(prompts.begin(), prompts.end(), row.prompt) - prompts.begin());
    Run run{.engine = kEngine, .model = row.model, .prompt = plan.prompts[prompt].id, .max_tokens = row.max_tokens};
    run.temperature = row.temperature;
    run.count_source = kImportedCounts;
    run.output_tokens = row.tokens;
    run.engine_start_ns = 0;
    run.engine_end_ns = std::llround(row.latency_s * 1e9);
    runs.add(std::move(run));
  }
  for (const std::string& model : plan.models) imported.session.models.push_back({.engine = kEngine, .model = model});
  imported.session.environment.unavailable = what_is_not_known(rows);
  return imported;
}

}  // namespace ifm
