#include "inferometer/measure/loaded_pair.h"

#include "inferometer/base/error.h"
#include "inferometer/base/sha256.h"
#include "inferometer/machine/page_cache.h"

namespace ifm {

LoadedPair load_pair(const PlanEngine& engine, Mode mode, const std::filesystem::path& path, const std::string& name,
                     const SessionWorld& world) {
  LoadedPair pair;
  pair.load_begin_ns = world.clock.now_ns();
  pair.engine = world.make_engine(engine, mode);
  pair.model = pair.engine->load(path, name);
  pair.load_end_ns = world.clock.now_ns();
  return pair;
}

SessionModel describe(const PlanEngine& engine, const std::string& model, const LoadedPair& pair) {
  const ModelInfo& info = pair.model->info();
  return {.engine = engine.id,
          .model = model,
          .path = info.path.string(),
          .architecture = info.architecture,
          .quantization = info.quantization,
          .hash = info.hash,
          .isa = info.isa,
          .accuracy = info.accuracy,
          .threads = info.threads,
          .context = info.context,
          .weight_bytes = info.weight_bytes,
          .parameters = info.parameters,
          .bytes_per_token = info.bytes_per_token,
          .load_s = static_cast<double>(pair.load_end_ns - pair.load_begin_ns) * 1e-9,
          .engine_version = info.engine_version.empty() ? pair.engine->version() : info.engine_version,
          .macs_per_token = info.macs_per_token,
          .head_macs = info.head_macs,
          .attention_macs_per_position = info.attention_macs_per_position,
          .logits_only_macs = info.logits_only_macs,
          .cache_bytes_per_position = info.cache_bytes_per_position};
}

std::string hash_of_weights(const std::filesystem::path& path) {
  const std::vector<std::filesystem::path> files = weight_files_of(path);
  std::string list;
  for (const std::filesystem::path& file : files) list += sha256_of_file(file) + "\n";
  if (files.empty()) return {};
  return "sha256:" + (files.size() == 1 ? list.substr(0, list.size() - 1) : sha256_of(list));
}

}  // namespace ifm
