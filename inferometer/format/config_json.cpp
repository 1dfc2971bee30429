// config.json of Hugging Face and MLX folders.
#include <algorithm>
#include <initializer_list>
#include <limits>
#include <utility>

#include "inferometer/base/error.h"
#include "inferometer/format/config_check.h"
#include "inferometer/format/json_fields.h"
#include "inferometer/format/json_reader.h"
#include "inferometer/format/model_config.h"
#include "inferometer/format/quote.h"

namespace ifm {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

void refuse(const std::string& subject, const std::string& what, std::string_view expected) {
  fail(ErrorKind::unsupported, "{}: {} is not supported (expected {})", subject, what, expected);
}

void check_architecture(const JsonFields& fields) {
  for (const char* name : {"auto_map", "model_file"}) {
    if (fields.find(name) != nullptr) {
      fail(ErrorKind::unsupported, "{}: field \"{}\" asks for code of the model's own, which is never run", fields.subject(),
           name);
    }
  }
  const auto type = fields.text("model_type");
  if (type && *type != "llama") refuse(fields.subject(), "model_type " + quote(*type), "llama");
  const json* architectures = fields.find("architectures");
  if (architectures != nullptr) {
    if (!architectures->is_array() || architectures->size() != 1 || !architectures->front().is_string()) {
      fail(ErrorKind::invalid_data, "{}: field \"architectures\" is not a list of one string", fields.subject());
    }
    const auto& name = architectures->front().get_ref<const std::string&>();
    if (name != "LlamaForCausalLM") refuse(fields.subject(), "architecture " + quote(name), "LlamaForCausalLM");
  }
  if (!type && architectures == nullptr) fail(ErrorKind::invalid_data, "{}: field \"model_type\" is missing", fields.subject());
}

void check_options(const JsonFields& fields) {
  const auto activation = fields.text("hidden_act");
  if (activation && *activation != "silu") refuse(fields.subject(), "hidden_act " + quote(*activation), "silu");
  for (const char* name : {"attention_bias", "mlp_bias"}) {
    if (fields.boolean(name).value_or(false)) refuse(fields.subject(), fmt::format("{} true", name), "false");
  }
  if (fields.number("partial_rotary_factor").value_or(1.0) != 1.0)
    refuse(fields.subject(), "partial_rotary_factor other than 1", "1");
}

// rope_scaling, or the same within rope_parameters.
std::optional<RopeConfig::Llama3> read_scaling(const JsonFields& fields) {
  auto type = fields.text("rope_type");
  if (!type) type = fields.text("type");
  if (!type || *type == "default") return std::nullopt;
  if (*type != "llama3") refuse(fields.subject(), "RoPE type " + quote(*type), "llama3 or default");
  RopeConfig::Llama3 scaling;
  scaling.factor = fields.required_number("factor");
  scaling.low_freq_factor = fields.required_number("low_freq_factor");
  scaling.high_freq_factor = fields.required_number("high_freq_factor");
  scaling.original_context = fields.required_number("original_max_position_embeddings");
  return scaling;
}

RopeConfig read_rope(const JsonFields& fields) {
  RopeConfig rope;
  rope.theta = fields.number("rope_theta").value_or(rope.theta);
  if (const json* parameters = fields.object("rope_parameters")) {
    const JsonFields inner(*parameters, fields.subject() + ": rope_parameters");
    rope.theta = inner.number("rope_theta").value_or(rope.theta);
    if (inner.number("partial_rotary_factor").value_or(1.0) != 1.0)
      refuse(inner.subject(), "partial_rotary_factor other than 1", "1");
    rope.llama3 = read_scaling(inner);
  } else if (const json* scaling = fields.object("rope_scaling")) {
    const JsonFields inner(*scaling, fields.subject() + ": rope_scaling");
    if (!scaling->empty() && inner.find("rope_type") == nullptr && inner.find("type") == nullptr) {
      fail(ErrorKind::invalid_data, "{}: field \"rope_type\" is missing", inner.subject());
    }
    rope.llama3 = read_scaling(inner);
  }
  return rope;
}

TokenId as_token(const json& value, const std::string& subject, const char* field) {
  // Compared as written: -1 and 2^40 must not become valid ids.
  const bool fits = value.is_number_integer() && (!value.is_number_unsigned() || value.get<uint64_t>() <= uint64_t{INT32_MAX}) &&
                    value.get<int64_t>() >= 0;
  if (!fits) fail(ErrorKind::invalid_data, "{}: field \"{}\" holds no token id (expected an integer from 0)", subject, field);
  return static_cast<TokenId>(value.get<int64_t>());
}

// An id, a list of ids, or nothing.
void add_tokens(const JsonFields& fields, const char* name, std::vector<TokenId>& out) {
  const json* value = fields.find(name);
  if (value == nullptr) return;
  if (!value->is_array()) {
    out.push_back(as_token(*value, fields.subject(), name));
    return;
  }
  for (const json& id : *value) out.push_back(as_token(id, fields.subject(), name));
}

AffineConfig read_affine(const JsonFields& fields) {
  const auto mode = fields.text("mode");
  if (mode && *mode != "affine") refuse(fields.subject(), "mode " + quote(*mode), "affine");
  const int64_t bits = fields.required_integer("bits");
  const int64_t group = fields.required_integer("group_size");
  if (bits != 4 && bits != 8) fail(ErrorKind::invalid_data, "{}: bits is {} (expected 4 or 8)", fields.subject(), bits);
  if (group != 32 && group != 64 && group != 128) {
    fail(ErrorKind::invalid_data, "{}: group_size is {} (expected 32, 64 or 128)", fields.subject(), group);
  }
  return {static_cast<int>(bits), static_cast<int>(group)};
}

// MLX writes "quantization", and in newer versions the same again as "quantization_config".
void read_quantization(const JsonFields& fields, ModelConfig& config) {
  const char* name = fields.find("quantization") != nullptr ? "quantization" : "quantization_config";
  const json* object = fields.object(name);
  if (object == nullptr) return;
  const JsonFields inner(*object, fmt::format("{}: {}", fields.subject(), name));
  const auto method = inner.text("quant_method");
  if (method) refuse(inner.subject(), "quant_method " + quote(*method), "none: MLX's own quantization");
  config.affine = read_affine(inner);
  for (const auto& [key, value] : object->items()) {
    if (value.is_object()) {
      config.affine_overrides[key] = read_affine(JsonFields(value, fmt::format("{}: layer {}", inner.subject(), quote(key))));
    } else if (value.is_boolean()) {
      config.affine_overrides[key] = value.get<bool>() ? config.affine : std::nullopt;
    }
  }
}

int64_t default_head_dim(const ModelConfig& config, const std::string& subject) {
  if (config.heads < 1 || config.hidden % config.heads != 0) {
    fail(ErrorKind::invalid_data, "{}: {} attention heads do not divide hidden_size {}, and head_dim is missing", subject,
         config.heads, config.hidden);
  }
  return config.hidden / config.heads;
}

}  // namespace

ModelConfig read_config_json(const fs::path& file) {
  const json document = read_json_object(file);
  const JsonFields fields(document, file.string());
  check_architecture(fields);
  check_options(fields);
  ModelConfig config;
  config.architecture = "llama";
  config.hidden = fields.required_integer("hidden_size");
  config.layers = fields.required_integer("num_hidden_layers");
  config.heads = fields.required_integer("num_attention_heads");
  config.kv_heads = fields.integer("num_key_value_heads").value_or(config.heads);
  config.intermediate = fields.required_integer("intermediate_size");
  config.vocab = fields.required_integer("vocab_size");
  config.context = fields.integer("max_position_embeddings").value_or(2048);
  config.norm_eps = static_cast<float>(fields.number("rms_norm_eps").value_or(1e-6));
  config.tied_head = fields.boolean("tie_word_embeddings").value_or(false);
  const auto head_dim = fields.integer("head_dim");
  config.head_dim = head_dim ? *head_dim : default_head_dim(config, file.string());
  config.rope = read_rope(fields);
  std::vector<TokenId> bos;
  add_tokens(fields, "bos_token_id", bos);
  if (!bos.empty()) config.bos = bos.front();
  add_tokens(fields, "eos_token_id", config.eos);
  const fs::path generation = file.parent_path() / "generation_config.json";
  std::error_code error;
  if (fs::exists(generation, error)) {
    const json extra = read_json_object(generation);
    add_tokens(JsonFields(extra, generation.string()), "eos_token_id", config.eos);
  }
  read_quantization(fields, config);
  check_config(config, file.string());
  return config;
}

}  // namespace ifm
