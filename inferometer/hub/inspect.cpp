#include "inferometer/hub/inspect.h"

#include <initializer_list>

#include <fmt/format.h>

#include "inferometer/text/model_text.h"

namespace ifm {
namespace {

constexpr int64_t kCacheElementBytes = 2;  // f16

int64_t bytes_read_per_token(const Checkpoint& checkpoint) {
  const ModelConfig& config = checkpoint.config();
  const int64_t q_rows = config.heads * config.head_dim;
  const int64_t kv_rows = config.kv_heads * config.head_dim;
  const auto bytes = [&](const std::string& name, int64_t rows, int64_t cols) {
    return bytes_of(checkpoint.matrix(name, rows, cols));
  };
  const WeightMatrix embedding = checkpoint.matrix("model.embed_tokens", config.vocab, config.hidden);
  int64_t total = bytes_of(embedding);  // a tied table is the head, and its one row is read with it
  if (!config.tied_head) total = bytes("lm_head", config.vocab, config.hidden) + bytes_of(embedding) / config.vocab;
  const int64_t norm = config.hidden * static_cast<int64_t>(sizeof(float));
  for (int64_t i = 0; i < config.layers; ++i) {
    const std::string layer = fmt::format("model.layers.{}.", i);
    total +=
        bytes(layer + "self_attn.q_proj", q_rows, config.hidden) + bytes(layer + "self_attn.k_proj", kv_rows, config.hidden) +
        bytes(layer + "self_attn.v_proj", kv_rows, config.hidden) + bytes(layer + "self_attn.o_proj", config.hidden, q_rows) +
        bytes(layer + "mlp.gate_proj", config.intermediate, config.hidden) +
        bytes(layer + "mlp.up_proj", config.intermediate, config.hidden) +
        bytes(layer + "mlp.down_proj", config.hidden, config.intermediate) + 2 * norm;
  }
  return total + norm;
}

/// The first of these metadata entries that is there.
std::string metadata_text(const Checkpoint& checkpoint, std::initializer_list<const char*> gguf_keys,
                          const char* safetensors_key) {
  if (const GgufFile* file = checkpoint.gguf()) {
    for (const char* key : gguf_keys) {
      if (const std::string* text = file->text(key)) return *text;
    }
  } else {
    const auto& metadata = checkpoint.safetensors()->metadata();
    if (const auto found = metadata.find(safetensors_key); found != metadata.end()) return found->second;
  }
  return {};
}

std::string format_of(const Checkpoint& checkpoint) {
  if (const GgufFile* file = checkpoint.gguf()) return fmt::format("GGUF v{}", file->version());
  return checkpoint.config().affine ? "MLX folder" : "safetensors folder";
}

}  // namespace

ModelReport inspect_model(const std::filesystem::path& path) {
  const Checkpoint checkpoint = Checkpoint::open(path);
  const ModelText text = ModelText::open(checkpoint);
  ModelReport report;
  report.path = path;
  report.format = format_of(checkpoint);
  report.name = metadata_text(checkpoint, {"general.name", "general.basename"}, "name");
  report.license = metadata_text(checkpoint, {"general.license.name", "general.license"}, "license");
  report.config = checkpoint.config();
  report.quantization = checkpoint.quantization();
  report.parameters = checkpoint.parameters();
  report.weight_bytes = checkpoint.tensor_bytes();
  report.bytes_per_token = bytes_read_per_token(checkpoint);
  report.cache_bytes_per_position =
      2 * report.config.layers * report.config.kv_heads * report.config.head_dim * kCacheElementBytes;
  report.tokenizer = text.tokenizer.pre_tokenizer();
  report.tokens = text.tokenizer.vocab_size();
  report.chat_template = text.chat_template_source;
  return report;
}

int64_t memory_bytes(const ModelReport& report, int64_t context) {
  return report.weight_bytes + report.cache_bytes_per_position * context;
}

}  // namespace ifm
