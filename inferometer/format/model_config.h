#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "inferometer/base/token_id.h"
#include "inferometer/format/gguf.h"

namespace ifm {

/// How positions become rotations.
struct RopeConfig {
  double theta = 10000.0;
  /// Pairs (0,1), (2,3), … of a head rotate together (GGUF's Llama rows); otherwise (i, i + d/2), as in Hugging Face.
  bool interleaved = false;
  /// Llama 3 frequency scaling; unset = none.
  struct Llama3 {
    double factor = 8.0;
    double low_freq_factor = 1.0;
    double high_freq_factor = 4.0;
    double original_context = 8192.0;
  };
  std::optional<Llama3> llama3;
  /// GGUF's rope_freqs tensor does the same by factors (head_dim / 2); empty = none.
  std::vector<float> frequency_factors;
};

/// Quantization of a layer of an MLX folder.
struct AffineConfig {
  int bits = 4;
  int group = 64;
};

/// What a Llama-class model is, from config.json or GGUF metadata; every field validated (FAULTS 19-25, 49).
struct ModelConfig {
  std::string architecture;  ///< "llama" today; another one is an error that names it
  int64_t hidden = 0;
  int64_t layers = 0;
  int64_t heads = 0;
  int64_t kv_heads = 0;
  int64_t head_dim = 0;
  int64_t intermediate = 0;
  int64_t vocab = 0;
  int64_t context = 0;  ///< the longest context that the model was made for
  float norm_eps = 1e-5F;
  bool tied_head = false;
  RopeConfig rope;
  std::optional<TokenId> bos;
  std::vector<TokenId> eos;                                             ///< sorted, unique; may be empty
  std::optional<AffineConfig> affine;                                   ///< MLX's default for quantized layers
  std::map<std::string, std::optional<AffineConfig>> affine_overrides;  ///< by layer name; null = not quantized
};

/// @throws Error not_found, invalid_data naming file and field, unsupported naming the architecture or option.
[[nodiscard]] ModelConfig read_config_json(const std::filesystem::path& file);
[[nodiscard]] ModelConfig read_gguf_config(const GgufFile& file);

}  // namespace ifm
