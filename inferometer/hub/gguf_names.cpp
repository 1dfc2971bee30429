#include "inferometer/hub/gguf_names.h"

#include <algorithm>
#include <array>
#include <utility>

namespace ifm {
namespace {

using Pair = std::pair<std::string_view, std::string_view>;
constexpr std::array<Pair, 3> kWhole{
    {{"token_embd.weight", "model.embed_tokens"}, {"output_norm.weight", "model.norm"}, {"output.weight", "lm_head"}}};
constexpr std::array<Pair, 9> kInLayer{{{"attn_norm.weight", "input_layernorm"},
                                        {"ffn_norm.weight", "post_attention_layernorm"},
                                        {"attn_q.weight", "self_attn.q_proj"},
                                        {"attn_k.weight", "self_attn.k_proj"},
                                        {"attn_v.weight", "self_attn.v_proj"},
                                        {"attn_output.weight", "self_attn.o_proj"},
                                        {"ffn_gate.weight", "mlp.gate_proj"},
                                        {"ffn_up.weight", "mlp.up_proj"},
                                        {"ffn_down.weight", "mlp.down_proj"}}};

struct LayerName {
  std::string number;
  std::string_view rest;
};

/// "blk.12.attn_q.weight" after "blk." -> 12, "attn_q.weight".
std::optional<LayerName> split_layer(std::string_view name, std::string_view prefix) {
  if (!name.starts_with(prefix)) return std::nullopt;
  name.remove_prefix(prefix.size());
  const std::size_t dot = name.find('.');
  const std::string_view number = name.substr(0, dot);
  const bool digits = !number.empty() && std::ranges::all_of(number, [](char c) { return c >= '0' && c <= '9'; });
  if (dot == std::string_view::npos || !digits) return std::nullopt;
  return LayerName{std::string(number), name.substr(dot + 1)};
}

}  // namespace

std::optional<std::string> hugging_face_name(std::string_view gguf_name) {
  for (const auto& [gguf, ours] : kWhole) {
    if (gguf_name == gguf) return std::string(ours);
  }
  const auto layer = split_layer(gguf_name, "blk.");
  if (!layer) return std::nullopt;
  for (const auto& [gguf, ours] : kInLayer) {
    if (layer->rest == gguf) return "model.layers." + layer->number + "." + std::string(ours);
  }
  return std::nullopt;
}

std::optional<std::string> gguf_name(std::string_view hugging_face_name) {
  for (const auto& [gguf, ours] : kWhole) {
    if (hugging_face_name == ours) return std::string(gguf);
  }
  const auto layer = split_layer(hugging_face_name, "model.layers.");
  if (!layer) return std::nullopt;
  for (const auto& [gguf, ours] : kInLayer) {
    if (layer->rest == ours) return "blk." + layer->number + "." + std::string(gguf);
  }
  return std::nullopt;
}

bool has_permuted_rows(std::string_view hugging_face_name) {
  return hugging_face_name.ends_with("self_attn.q_proj") || hugging_face_name.ends_with("self_attn.k_proj");
}

}  // namespace ifm
