#include "inferometer/hub/config_json.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numbers>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ifm {
namespace {

using Json = nlohmann::ordered_json;

/// The shortest decimal that is this float: 1e-05, not 9.999999747378752e-06.
double shortest(float value) { return std::strtod(fmt::format("{}", value).c_str(), nullptr); }

Json affine_json(const AffineConfig& affine) { return {{"group_size", affine.group}, {"bits", affine.bits}}; }

Json ids_json(const std::vector<TokenId>& ids) { return ids.size() == 1 ? Json(ids.front()) : Json(ids); }

void add_rope(Json& json, const RopeConfig& rope) {
  json["rope_theta"] = rope.theta;
  json["rope_scaling"] = nullptr;
  if (!rope.llama3) return;
  json["rope_scaling"] = {{"factor", rope.llama3->factor},
                          {"high_freq_factor", rope.llama3->high_freq_factor},
                          {"low_freq_factor", rope.llama3->low_freq_factor},
                          {"original_max_position_embeddings", static_cast<int64_t>(rope.llama3->original_context)},
                          {"rope_type", "llama3"}};
}

void add_special_ids(Json& json, const ModelConfig& config, const std::optional<TokenId>& pad) {
  if (config.bos) json["bos_token_id"] = *config.bos;
  if (!config.eos.empty()) json["eos_token_id"] = ids_json(config.eos);
  if (pad) json["pad_token_id"] = *pad;
}

}  // namespace

std::string config_json(const ModelConfig& config, const std::string& dtype, const std::optional<TokenId>& pad) {
  Json json;
  json["architectures"] = {"LlamaForCausalLM"};
  json["model_type"] = "llama";
  json["hidden_size"] = config.hidden;
  json["intermediate_size"] = config.intermediate;
  json["num_hidden_layers"] = config.layers;
  json["num_attention_heads"] = config.heads;
  json["num_key_value_heads"] = config.kv_heads;
  json["head_dim"] = config.head_dim;
  json["vocab_size"] = config.vocab;
  json["max_position_embeddings"] = config.context;
  json["rms_norm_eps"] = shortest(config.norm_eps);
  add_rope(json, config.rope);
  json["hidden_act"] = "silu";
  json["attention_bias"] = false;
  json["mlp_bias"] = false;
  json["tie_word_embeddings"] = config.tied_head;
  add_special_ids(json, config, pad);
  json["torch_dtype"] = dtype;
  if (config.affine) {
    Json quantization = affine_json(*config.affine);
    for (const auto& [layer, affine] : config.affine_overrides) quantization[layer] = affine ? affine_json(*affine) : Json(false);
    json["quantization"] = quantization;
    json["quantization_config"] = quantization;
  }
  return json.dump(2) + "\n";
}

std::string generation_config_json(const ModelConfig& config, const std::optional<TokenId>& pad) {
  Json json = Json::object();
  add_special_ids(json, config, pad);
  return json.dump(2) + "\n";
}

std::vector<float> llama3_factors(const RopeConfig::Llama3& scaling, double theta, int64_t head_dim) {
  std::vector<float> factors;
  const double long_wave = scaling.original_context / scaling.low_freq_factor;
  const double short_wave = scaling.original_context / scaling.high_freq_factor;
  for (int64_t i = 0; i < head_dim; i += 2) {
    const double wave = 2 * std::numbers::pi * std::pow(theta, static_cast<double>(i) / static_cast<double>(head_dim));
    double factor = scaling.factor;
    if (wave < short_wave) {
      factor = 1;
    } else if (wave <= long_wave) {
      const double smooth =
          (scaling.original_context / wave - scaling.low_freq_factor) / (scaling.high_freq_factor - scaling.low_freq_factor);
      factor = 1 / ((1 - smooth) / scaling.factor + smooth);
    }
    factors.push_back(static_cast<float>(factor));
  }
  return factors;
}

std::optional<RopeConfig::Llama3> llama3_scaling_of(const std::vector<float>& factors, double theta) {
  if (factors.empty()) return std::nullopt;
  RopeConfig::Llama3 scaling;
  scaling.factor = *std::ranges::max_element(factors);
  // Every published model has low 1 and high 4; only the original context differs.
  for (double context = 64; context <= 1 << 20; context *= 2) {
    scaling.original_context = context;
    const std::vector<float> guess = llama3_factors(scaling, theta, static_cast<int64_t>(factors.size()) * 2);
    const auto close = [](float a, float b) { return std::abs(a - b) <= 1e-5F * std::abs(b); };
    if (std::ranges::equal(guess, factors, close)) return scaling;
  }
  return std::nullopt;
}

}  // namespace ifm
