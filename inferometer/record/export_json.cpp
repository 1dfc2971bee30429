#include "inferometer/record/export_json.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <system_error>

#include "inferometer/base/error.h"
#include "inferometer/record/json_codec.h"

namespace ifm {
namespace {

using Json = nlohmann::ordered_json;

Json metrics_to_json(const RunMetrics& m) {
  return {{"load_s", nullable(m.load_s)},
          {"ttft_s", nullable(m.ttft_s)},
          {"e2e_s", nullable(m.e2e_s)},
          {"tpot_s", nullable(m.tpot_s)},
          {"decode_tok_per_s", nullable(m.decode_tok_per_s)},
          {"prefill_tok_per_s", nullable(m.prefill_tok_per_s)},
          {"output_tok_per_s", nullable(m.output_tok_per_s)},
          {"itl_mean_s", nullable(m.itl_mean_s)},
          {"itl_p50_s", nullable(m.itl_p50_s)},
          {"itl_max_s", nullable(m.itl_max_s)},
          {"output_bytes_per_s", nullable(m.output_bytes_per_s)},
          {"joules_per_token", nullable(m.joules_per_token)}};
}

Json resources_to_json(const RunResources& r) {
  return {{"cpu_ns", nullable(r.cpu_ns)},
          {"minor_faults", nullable(r.minor_faults)},
          {"major_faults", nullable(r.major_faults)},
          {"voluntary_switches", nullable(r.voluntary_switches)},
          {"involuntary_switches", nullable(r.involuntary_switches)},
          {"peak_resident_bytes", nullable(r.peak_resident_bytes)},
          {"energy_j", nullable(r.energy_j)},
          {"frequency_mhz", nullable(r.frequency_mhz)},
          {"temperature_c", nullable(r.temperature_c)}};
}

Json model_to_json(const SessionModel& model) {
  return {{"engine", model.engine},
          {"model", model.model},
          {"path", nullable(model.path)},
          {"architecture", nullable(model.architecture)},
          {"quantization", nullable(model.quantization)},
          {"hash", nullable(model.hash)},
          {"isa", nullable(model.isa)},
          {"accuracy", nullable(model.accuracy)},
          {"threads", model.threads},
          {"context", model.context},
          {"weight_bytes", nullable(model.weight_bytes)},
          {"parameters", nullable(model.parameters)},
          {"bytes_per_token", nullable(model.bytes_per_token)},
          {"load_s", nullable(model.load_s)},
          {"engine_version", nullable(model.engine_version)},
          {"macs_per_token", nullable(model.macs_per_token)},
          {"head_macs", nullable(model.head_macs)},
          {"attention_macs_per_position", nullable(model.attention_macs_per_position)},
          {"logits_only_macs", nullable(model.logits_only_macs)},
          {"cache_bytes_per_position", nullable(model.cache_bytes_per_position)}};
}

Json block_to_json(const BlockRecord& block) {
  return {{"block", block.block},
          {"first_order", block.first_order},
          {"started_ns", block.started_ns},
          {"canary_compute_ns", nullable(block.canary_compute_ns)},
          {"canary_read_ns", nullable(block.canary_read_ns)},
          {"temperature_c", nullable(block.temperature_c)},
          {"frequency_mhz", nullable(block.frequency_mhz)},
          {"load_1m", nullable(block.load_1m)},
          {"waiting_cpu_share", nullable(block.waiting_cpu_share)}};
}

void add_identity(Json& json, const Run& run) {
  json["id"] = run.id;
  json["order"] = run.order;
  json["block"] = run.block;
  json["cell"] = run.cell;
  json["repeat"] = run.repeat;
  json["kind"] = run.kind == RunKind::measured ? "measured" : "warmup";
  json["predecessor"] = nullable(run.predecessor);
  json["seed"] = run.seed;
  json["mode"] = to_string(run.mode);
  json["engine"] = run.engine;
  json["model"] = run.model;
  json["prompt"] = run.prompt;
  json["max_tokens"] = run.max_tokens;
  json["temperature"] = run.temperature;
  json["status"] = run.status == RunStatus::ok ? "ok" : "failed";
  json["error_kind"] = nullable(run.error_kind);
  json["error_message"] = nullable(run.error_message);
  json["flags"] = run.flags;
}

void add_times(Json& json, const Run& run) {
  json["intended_start_ns"] = run.intended_start_ns;
  json["start_ns"] = run.start_ns;
  json["load_begin_ns"] = nullable(run.load_begin_ns);
  json["load_end_ns"] = nullable(run.load_end_ns);
  json["prefill_begin_ns"] = nullable(run.prefill_begin_ns);
  json["prefill_end_ns"] = nullable(run.prefill_end_ns);
  json["engine_start_ns"] = nullable(run.engine_start_ns);
  json["engine_end_ns"] = nullable(run.engine_end_ns);
  json["first_text_ns"] = nullable(run.first_text_ns);
  json["stamps"] = {{"offset_ns", run.stamps.offset_ns}, {"tokens", run.stamps.tokens}};
}

class TemporaryFile {
 public:
  explicit TemporaryFile(const std::filesystem::path& target)
      : target_(target), path_(target.string() + ".part"), file_(std::fopen(path_.c_str(), "wb")) {
    if (file_ == nullptr) fail_now();
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    if (file_ == nullptr) return;
    std::fclose(file_);
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  void write(const std::string& text) {
    if (std::fwrite(text.data(), 1, text.size(), file_) != text.size()) fail_now();
  }
  /// Puts the file in its place once its bytes are on the disk.
  void keep() {
    if (std::fflush(file_) != 0 || fsync(fileno(file_)) != 0) fail_now();
    const int closed = std::fclose(file_);
    file_ = nullptr;
    if (closed != 0 || std::rename(path_.c_str(), target_.c_str()) != 0) fail_now();
  }

 private:
  [[noreturn]] void fail_now() const { fail(ErrorKind::io, "{}: cannot be written: {}", target_.string(), std::strerror(errno)); }
  std::filesystem::path target_;
  std::filesystem::path path_;
  std::FILE* file_;
};

}  // namespace

Json run_to_json(const Run& run) {
  Json json;
  add_identity(json, run);
  add_times(json, run);
  json["prompt_tokens"] = nullable(run.prompt_tokens);
  json["cached_tokens"] = nullable(run.cached_tokens);
  json["output_tokens"] = nullable(run.output_tokens);
  json["drafted_tokens"] = nullable(run.drafted_tokens);
  json["accepted_tokens"] = nullable(run.accepted_tokens);
  json["decode_steps"] = nullable(run.decode_steps);
  json["connect_ns"] = nullable(run.connect_ns);
  json["server_prefill_ns"] = nullable(run.server_prefill_ns);
  json["server_decode_ns"] = nullable(run.server_decode_ns);
  json["server_decode_tokens"] = nullable(run.server_decode_tokens);
  json["count_source"] = nullable(run.count_source);
  json["finish_reason"] = nullable(run.finish_reason);
  json["output_ids"] = run.output_ids;
  json["text"] = run.text;
  json["ids_hash"] = nullable(run.ids_hash);
  json["page_cache_share"] = nullable(run.page_cache_share);
  json["steal_percent"] = nullable(run.steal_percent);
  json["canary_ratio"] = nullable(run.canary_ratio);
  json["resources"] = resources_to_json(run.resources);
  json["metrics"] = metrics_to_json(run.metrics);
  return json;
}

Json session_to_json(const Session& session, const std::vector<Run>& runs, const std::vector<BlockRecord>& blocks) {
  Json json;
  json["format"] = "inferometer-benchmark";
  json["version"] = 1;
  json["session"] = session.id;
  json["started_utc"] = session.started_utc;
  json["finished_utc"] = nullable(session.finished_utc);
  json["command"] = nullable(session.command);
  json["order_seed"] = session.order_seed;
  json["plan"] = plan_to_json(session.plan);
  json["environment"] = environment_to_json(session.environment);
  json["models"] = Json::array();
  for (const SessionModel& model : session.models) json["models"].push_back(model_to_json(model));
  json["blocks"] = Json::array();
  for (const BlockRecord& block : blocks) json["blocks"].push_back(block_to_json(block));
  json["runs"] = Json::array();
  for (const Run& run : runs) json["runs"].push_back(run_to_json(run));
  return json;
}

void write_json_file(const std::filesystem::path& file, const Json& document) {
  std::error_code error;
  std::filesystem::create_directories(file.parent_path(), error);
  if (error) fail(ErrorKind::io, "{}: cannot be made: {}", file.parent_path().string(), error.message());
  TemporaryFile out(file);
  out.write(document.dump(1, ' ', false, Json::error_handler_t::replace) + "\n");
  out.keep();
}

}  // namespace ifm
