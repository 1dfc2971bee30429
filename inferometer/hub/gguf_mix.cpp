#include "inferometer/hub/gguf_mix.h"

#include <algorithm>

namespace ifm {
namespace {

/// The first and the last eighth of the layers, and every third between. Checked against what llama-quantize of llama.cpp 0.7.0
/// writes for 16 and for 30 layers.
bool gets_finer(int64_t layer, int64_t layers) {
  return layer < layers / 8 || layer >= 7 * layers / 8 || (layer - layers / 8) % 3 == 2;
}

}  // namespace

const std::vector<GgufMix>& gguf_mixes() {
  static const std::vector<GgufMix> mixes{
      {"q4_0", DType::q4_0, DType::q4_0, 2},    {"q4_1", DType::q4_1, DType::q4_1, 3},  {"q5_0", DType::q5_0, DType::q5_0, 8},
      {"q5_1", DType::q5_1, DType::q5_1, 9},    {"q8_0", DType::q8_0, DType::q8_0, 7},  {"q4_k", DType::q4_k, DType::q4_k, 14},
      {"q4_k_m", DType::q4_k, DType::q6_k, 15}, {"q5_k", DType::q5_k, DType::q5_k, 16}, {"q6_k", DType::q6_k, DType::q6_k, 18},
      {"f16", DType::f16, DType::f16, 1},       {"bf16", DType::bf16, DType::bf16, 32}};
  return mixes;
}

const GgufMix* find_gguf_mix(std::string_view name) {
  const auto found = std::ranges::find(gguf_mixes(), name, &GgufMix::name);
  return found == gguf_mixes().end() ? nullptr : &*found;
}

DType type_of(const GgufMix& mix, std::string_view tensor, std::optional<int64_t> layer, int64_t layers) {
  if (!layer) return mix.finer;
  const bool may = tensor.ends_with("attn_v.weight") || tensor.ends_with("ffn_down.weight");
  return may && gets_finer(*layer, layers) ? mix.finer : mix.type;
}

}  // namespace ifm
