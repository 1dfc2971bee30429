#include "inferometer/model/llama.h"

#include <algorithm>
#include <string>

#include <fmt/format.h>

namespace ifm {

Llama::Llama(const Checkpoint& checkpoint, const Kernels& kernels, ThreadPool& pool, Accuracy accuracy)
    : checkpoint_(checkpoint),
      config_(checkpoint.config()),
      kernels_(kernels),
      pool_(pool),
      accuracy_(accuracy),
      rope_(config_.rope, config_.head_dim),
      attention_(config_, kernels, pool) {
  embedding_ = checkpoint.matrix("model.embed_tokens", config_.vocab, config_.hidden);
  head_ = config_.tied_head ? embedding_ : checkpoint.matrix("lm_head", config_.vocab, config_.hidden);
  final_norm_ = checkpoint.vector("model.norm", config_.hidden);
  const int64_t q_rows = config_.heads * config_.head_dim;
  const int64_t kv_rows = config_.kv_heads * config_.head_dim;
  for (int64_t i = 0; i < config_.layers; ++i) {
    const std::string name = fmt::format("model.layers.{}.", i);
    layers_.push_back({.attention_norm = checkpoint.vector(name + "input_layernorm", config_.hidden),
                       .mlp_norm = checkpoint.vector(name + "post_attention_layernorm", config_.hidden),
                       .q = checkpoint.matrix(name + "self_attn.q_proj", q_rows, config_.hidden),
                       .k = checkpoint.matrix(name + "self_attn.k_proj", kv_rows, config_.hidden),
                       .v = checkpoint.matrix(name + "self_attn.v_proj", kv_rows, config_.hidden),
                       .o = checkpoint.matrix(name + "self_attn.o_proj", config_.hidden, q_rows),
                       .gate = checkpoint.matrix(name + "mlp.gate_proj", config_.intermediate, config_.hidden),
                       .up = checkpoint.matrix(name + "mlp.up_proj", config_.intermediate, config_.hidden),
                       .down = checkpoint.matrix(name + "mlp.down_proj", config_.hidden, config_.intermediate)});
  }
  for (const Phase phase : {Phase::decode, Phase::prefill}) {
    for (const WeightMatrix* w : all_matrices()) {
      const Rounding* rounding = product(kernels, accuracy, phase, w->packing).rounding;
      if (rounding == nullptr || std::ranges::find(rounded_, rounding, &Rounded::rounding) != rounded_.end()) continue;
      rounded_.push_back({.rounding = rounding, .bytes = {}});
    }
  }
  logits_ = AlignedBuffer<float>(config_.vocab);
  reserve(1);
}

std::vector<const WeightMatrix*> Llama::all_matrices() const {
  std::vector<const WeightMatrix*> all{&head_};
  for (const Layer& layer : layers_) {
    for (const WeightMatrix* w : {&layer.q, &layer.k, &layer.v, &layer.o, &layer.gate, &layer.up, &layer.down}) all.push_back(w);
  }
  return all;
}

int64_t Llama::bytes_per_token() const {
  int64_t bytes = (1 + 2 * config_.layers) * 4 * config_.hidden;  // norms
  if (head_.data != embedding_.data) bytes += bytes_of(embedding_) / config_.vocab;
  for (const WeightMatrix* w : all_matrices()) bytes += bytes_of(*w);
  return bytes;
}

int64_t Llama::layer_macs() const {
  const int64_t q_rows = config_.heads * config_.head_dim;
  const int64_t kv_rows = config_.kv_heads * config_.head_dim;
  return config_.layers * config_.hidden * (2 * q_rows + 2 * kv_rows + 3 * config_.intermediate);
}

int64_t Llama::logits_only_macs() const {
  return config_.hidden * (2 * config_.heads * config_.head_dim + 3 * config_.intermediate);
}

void Llama::reserve(int64_t tokens) {
  if (tokens <= reserved_) return;
  const int64_t q_width = config_.heads * config_.head_dim;
  const int64_t kv_width = config_.kv_heads * config_.head_dim;
  const int64_t widest = std::max({config_.hidden, config_.intermediate, q_width});
  x_ = AlignedBuffer<float>(tokens * config_.hidden);
  normed_ = AlignedBuffer<float>(tokens * config_.hidden);
  projected_ = AlignedBuffer<float>(tokens * config_.hidden);
  q_ = AlignedBuffer<float>(tokens * q_width);
  attended_ = AlignedBuffer<float>(tokens * q_width);
  k_ = AlignedBuffer<float>(tokens * kv_width);
  v_ = AlignedBuffer<float>(tokens * kv_width);
  gate_ = AlignedBuffer<float>(tokens * config_.intermediate);
  up_ = AlignedBuffer<float>(tokens * config_.intermediate);
  cos_ = AlignedBuffer<float>(tokens * config_.head_dim / 2);
  sin_ = AlignedBuffer<float>(tokens * config_.head_dim / 2);
  for (Rounded& rounded : rounded_) rounded.bytes = AlignedBuffer<std::byte>(rounded.rounding->bytes(tokens, widest));
  scratch_.clear();
  for (int i = 0; i < pool_.size(); ++i) scratch_.emplace_back(matmul_scratch_bytes(tokens, widest));
  reserved_ = tokens;
}

}  // namespace ifm
