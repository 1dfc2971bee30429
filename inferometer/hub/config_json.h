#pragma once

#include <optional>
#include <string>
#include <vector>

#include "inferometer/base/token_id.h"
#include "inferometer/format/model_config.h"

namespace ifm {

/// Hugging Face's `config.json` of a Llama-class model, with MLX's "quantization" when config.affine is set.
/// dtype: "float16", "bfloat16" or "float32", what the unquantized numbers are made of.
[[nodiscard]] std::string config_json(const ModelConfig& config, const std::string& dtype, const std::optional<TokenId>& pad);

/// Hugging Face's `generation_config.json`: BOS and EOS.
[[nodiscard]] std::string generation_config_json(const ModelConfig& config, const std::optional<TokenId>& pad);

/// By how much each pair's frequency is divided under Llama 3 scaling: (head_dim / 2), 1 = not at all.
/// Source: Meta's llama-models, apply_scaling; the same as GGUF's rope_freqs tensor.
[[nodiscard]] std::vector<float> llama3_factors(const RopeConfig::Llama3& scaling, double theta, int64_t head_dim);

/// The Llama 3 scaling that gives these factors to within f32 rounding; nullopt when none of the usual ones does.
[[nodiscard]] std::optional<RopeConfig::Llama3> llama3_scaling_of(const std::vector<float>& factors, double theta);

}  // namespace ifm
