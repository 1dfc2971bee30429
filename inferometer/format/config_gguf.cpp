// Configuration of a GGUF file from its metadata.
#include <cstring>
#include <limits>
#include <utility>

#include "inferometer/base/error.h"
#include "inferometer/format/config_check.h"
#include "inferometer/format/model_config.h"
#include "inferometer/format/quote.h"

namespace ifm {
namespace {

int64_t required_integer(const GgufFile& file, const std::string& key) {
  const auto value = file.integer(key);
  if (!value) fail(ErrorKind::invalid_data, "{}: metadata key \"{}\" is missing", file.path().string(), key);
  return *value;
}

double required_number(const GgufFile& file, const std::string& key) {
  const auto value = file.number(key);
  if (!value) fail(ErrorKind::invalid_data, "{}: metadata key \"{}\" is missing", file.path().string(), key);
  return *value;
}

void check_options(const GgufFile& file, const ModelConfig& config) {
  const std::string subject = file.path().string();
  if (file.integer("llama.expert_count").value_or(0) != 0) {
    fail(ErrorKind::unsupported, "{}: a mixture of experts (llama.expert_count) is not supported", subject);
  }
  if (const auto value_length = file.integer("llama.attention.value_length"); value_length && *value_length != config.head_dim) {
    fail(ErrorKind::unsupported, "{}: llama.attention.value_length {} is not supported (expected the key length, {})", subject,
         *value_length, config.head_dim);
  }
  if (const auto dimensions = file.integer("llama.rope.dimension_count"); dimensions && *dimensions != config.head_dim) {
    fail(ErrorKind::unsupported, "{}: llama.rope.dimension_count {} is not supported (expected the head dimension, {})", subject,
         *dimensions, config.head_dim);
  }
  const std::string* scaling = file.text("llama.rope.scaling.type");
  if (scaling != nullptr && *scaling != "none" && file.number("llama.rope.scaling.factor").value_or(0.0) != 1.0) {
    fail(ErrorKind::unsupported, "{}: llama.rope.scaling.type {} is not supported", subject, quote(*scaling));
  }
  if (file.number("llama.rope.scale_linear").value_or(1.0) != 1.0) {
    fail(ErrorKind::unsupported, "{}: llama.rope.scale_linear is not supported", subject);
  }
}

std::vector<float> read_frequency_factors(const GgufFile& file, int64_t head_dim) {
  const TensorView* tensor = file.find("rope_freqs.weight");
  if (tensor == nullptr) return {};
  if (tensor->dtype != DType::f32 || tensor->shape != std::vector<int64_t>{head_dim / 2}) {
    fail(ErrorKind::invalid_data, "{}: tensor \"rope_freqs.weight\" is {} [{}] (expected f32 [{}])", file.path().string(),
         info(tensor->dtype).name, fmt::join(tensor->shape, ", "), head_dim / 2);
  }
  std::vector<float> factors(static_cast<std::size_t>(head_dim / 2));
  std::memcpy(factors.data(), tensor->bytes.data(), tensor->bytes.size());
  return factors;
}

// The vocabulary is what the embedding has rows for.
int64_t read_vocab(const GgufFile& file) {
  const TensorView* embedding = file.find("token_embd.weight");
  if (embedding == nullptr || embedding->shape.size() != 2) {
    fail(ErrorKind::invalid_data, "{}: tensor \"token_embd.weight\" is missing or no matrix", file.path().string());
  }
  const int64_t rows = embedding->shape[0];
  if (const auto vocab = file.integer("llama.vocab_size"); vocab && *vocab != rows) {
    fail(ErrorKind::invalid_data, "{}: llama.vocab_size is {} (expected {}, the rows of token_embd.weight)", file.path().string(),
         *vocab, rows);
  }
  return rows;
}

std::optional<TokenId> read_token(const GgufFile& file, const char* key) {
  const auto value = file.integer(key);
  if (!value) return std::nullopt;
  if (*value < 0 || *value > std::numeric_limits<TokenId>::max()) {
    fail(ErrorKind::invalid_data, "{}: metadata key \"{}\" is {} (expected a token id)", file.path().string(), key, *value);
  }
  return static_cast<TokenId>(*value);
}

int64_t default_head_dim(const GgufFile& file, const ModelConfig& config) {
  if (config.heads < 1 || config.hidden % config.heads != 0) {
    fail(ErrorKind::invalid_data,
         "{}: {} attention heads do not divide the embedding length {}, and llama.attention.key_length is missing",
         file.path().string(), config.heads, config.hidden);
  }
  return config.hidden / config.heads;
}

}  // namespace

void check_gguf_architecture(const std::string& architecture, const std::string& subject) {
  if (architecture == "llama") return;
  fail(ErrorKind::unsupported, "{}: architecture {} is not supported (expected llama; llama.cpp knows more: --engine llama_cpp)",
       subject, quote(architecture));
}

ModelConfig read_gguf_config(const GgufFile& file) {
  const std::string* architecture = file.text("general.architecture");
  if (architecture == nullptr)
    fail(ErrorKind::invalid_data, "{}: metadata key \"general.architecture\" is missing", file.path().string());
  check_gguf_architecture(*architecture, file.path().string());
  ModelConfig config;
  config.architecture = *architecture;
  config.hidden = required_integer(file, "llama.embedding_length");
  config.layers = required_integer(file, "llama.block_count");
  config.heads = required_integer(file, "llama.attention.head_count");
  config.kv_heads = file.integer("llama.attention.head_count_kv").value_or(config.heads);
  config.intermediate = required_integer(file, "llama.feed_forward_length");
  config.context = required_integer(file, "llama.context_length");
  config.norm_eps = static_cast<float>(required_number(file, "llama.attention.layer_norm_rms_epsilon"));
  const auto key_length = file.integer("llama.attention.key_length");
  config.head_dim = key_length ? *key_length : default_head_dim(file, config);
  config.vocab = read_vocab(file);
  config.tied_head = file.find("output.weight") == nullptr;
  config.rope.interleaved = true;
  config.rope.theta = file.number("llama.rope.freq_base").value_or(config.rope.theta);
  config.rope.frequency_factors = read_frequency_factors(file, config.head_dim);
  check_options(file, config);
  config.bos = read_token(file, "tokenizer.ggml.bos_token_id");
  for (const char* key : {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"}) {
    if (const auto id = read_token(file, key)) config.eos.push_back(*id);
  }
  check_config(config, file.path().string());
  return config;
}

}  // namespace ifm
