#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "inferometer/tensor/dtype.h"

namespace ifm {

/// Which type each matrix of a GGUF file has.
struct GgufMix {
  std::string_view name;  ///< "q4_0", "q4_k_m"
  DType type;             ///< of most matrices
  DType finer;            ///< of the embedding, and in some layers of attn_v and ffn_down
  uint64_t file_type;     ///< general.file_type. Source: llama_ftype in llama.cpp's include/llama.h
};

/// One type for everything, and llama.cpp's Q4_K_M.
[[nodiscard]] const std::vector<GgufMix>& gguf_mixes();
/// Null for an unknown name.
[[nodiscard]] const GgufMix* find_gguf_mix(std::string_view name);

/// The type of a matrix by its GGUF name. layer: null for those outside of the layers.
[[nodiscard]] DType type_of(const GgufMix& mix, std::string_view tensor, std::optional<int64_t> layer, int64_t layers);

}  // namespace ifm
