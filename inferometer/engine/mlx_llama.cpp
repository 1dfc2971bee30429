#include "inferometer/engine/mlx_llama.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>

#include <fmt/format.h>
#include <mlx/fast.h>
#include <mlx/memory.h>
#include <mlx/ops.h>
#include <mlx/transforms.h>

#include "inferometer/model/rope.h"

namespace mx = mlx::core;

namespace ifm {
namespace {

constexpr int kTokenAxis = 1;     // of (1, n, width)
constexpr int kPositionAxis = 2;  // of (1, heads, n, head_dim)

int to_int(int64_t extent) { return static_cast<int>(extent); }

/// x: (1, n, heads * head_dim). Result: (1, heads, n, head_dim).
mx::array split_heads(const mx::array& x, int heads, int head_dim) {
  return mx::transpose(mx::reshape(x, {1, x.shape(kTokenAxis), heads, head_dim}), {0, 2, 1, 3});
}

mx::array join_heads(const mx::array& x) {
  return mx::reshape(mx::transpose(x, {0, 2, 1, 3}), {1, x.shape(kPositionAxis), x.shape(1) * x.shape(3)});
}

/// x: (1, n, width). Result: (1, 1, width).
mx::array last_token(const mx::array& x) {
  const int n = x.shape(kTokenAxis);
  return mx::slice(x, {0, n - 1, 0}, {1, n, x.shape(2)});
}

/// x: (1, heads, capacity, head_dim). Result: (1, heads, positions, head_dim).
mx::array first_positions(const mx::array& x, int positions) {
  return mx::slice(x, {0, 0, 0, 0}, {1, x.shape(1), positions, x.shape(3)});
}

mx::array write_at(const mx::array& buffer, const mx::array& added, int position) {
  const mx::Shape begin{0, 0, position, 0};
  const mx::Shape end{1, buffer.shape(1), position + added.shape(kPositionAxis), buffer.shape(3)};
  return mx::slice_update(buffer, added, begin, end);
}

mx::array rope_periods(const ModelConfig& config) {
  const Rope rope(config.rope, config.head_dim);
  std::vector<float> periods;
  for (const double frequency : rope.frequencies()) periods.push_back(static_cast<float>(1 / frequency));
  return mx::array(periods.begin(), {to_int(config.head_dim / 2)});
}

}  // namespace

void MlxCache::truncate(int positions) {
  size_ = std::min(positions, size_);
  if (size_ == 0) std::ranges::fill(layers_, std::nullopt);
}

MlxCache::Pair MlxCache::append(std::size_t layer, const Pair& added) {
  std::optional<Pair>& kept = layers_.at(layer);
  const int needed = size_ + added.keys.shape(kPositionAxis);
  const int capacity = kept ? kept->keys.shape(kPositionAxis) : 0;
  if (needed > capacity) {
    const int grown = (needed + kStep - 1) / kStep * kStep;
    const auto grow = [&](const mx::array* present, const mx::array& like) {
      const mx::array empty =
          mx::zeros({1, like.shape(1), grown - (present == nullptr ? 0 : size_), like.shape(3)}, like.dtype());
      return present == nullptr ? empty : mx::concatenate({first_positions(*present, size_), empty}, kPositionAxis);
    };
    kept = Pair{grow(kept ? &kept->keys : nullptr, added.keys), grow(kept ? &kept->values : nullptr, added.values)};
  }
  kept->keys = write_at(kept->keys, added.keys, size_);
  kept->values = write_at(kept->values, added.values, size_);
  return {first_positions(kept->keys, needed), first_positions(kept->values, needed)};
}

std::vector<mx::array> MlxCache::arrays() const {
  std::vector<mx::array> arrays;
  for (const std::optional<Pair>& pair : layers_) {
    if (pair) arrays.insert(arrays.end(), {pair->keys, pair->values});
  }
  return arrays;
}

mx::array to_array(std::span<const TokenId> ids) { return mx::array(ids.begin(), {1, static_cast<int>(ids.size())}, mx::int32); }

MlxTuning tuning_for(const mx::Device& device) {
  // The chunk of a GPU is mlx-lm's; a CPU gains nothing from it, and its attention holds scores of (heads, chunk, positions).
  if (device == mx::Device::gpu) return {.activations = MlxActivations::of_folder, .chunk = 2048};
  return {.activations = MlxActivations::f32, .chunk = 512};
}

MlxLlama::MlxLlama(const Checkpoint& checkpoint, const MlxTuning& tuning)
    : MlxLlama(checkpoint, MlxWeights(checkpoint, tuning.activations), tuning.chunk) {}

MlxLlama::MlxLlama(const Checkpoint& checkpoint, const MlxWeights& weights, int chunk)
    : config_(checkpoint.config()),
      dtype_(weights.dtype()),
      chunk_(chunk),
      rope_periods_(rope_periods(config_)),
      embedding_(weights.matrix("model.embed_tokens", config_.vocab, config_.hidden)),
      final_norm_(weights.vector("model.norm", config_.hidden)) {
  if (!config_.tied_head) head_ = weights.matrix("lm_head", config_.vocab, config_.hidden);
  const int64_t q_rows = config_.heads * config_.head_dim;
  const int64_t kv_rows = config_.kv_heads * config_.head_dim;
  for (int64_t i = 0; i < config_.layers; ++i) {
    const std::string name = fmt::format("model.layers.{}.", i);
    layers_.push_back({.attention_norm = weights.vector(name + "input_layernorm", config_.hidden),
                       .mlp_norm = weights.vector(name + "post_attention_layernorm", config_.hidden),
                       .q = weights.matrix(name + "self_attn.q_proj", q_rows, config_.hidden),
                       .k = weights.matrix(name + "self_attn.k_proj", kv_rows, config_.hidden),
                       .v = weights.matrix(name + "self_attn.v_proj", kv_rows, config_.hidden),
                       .o = weights.matrix(name + "self_attn.o_proj", config_.hidden, q_rows),
                       .gate = weights.matrix(name + "mlp.gate_proj", config_.intermediate, config_.hidden),
                       .up = weights.matrix(name + "mlp.up_proj", config_.intermediate, config_.hidden),
                       .down = weights.matrix(name + "mlp.down_proj", config_.hidden, config_.intermediate)});
  }
}

mx::array MlxLlama::rotate(const mx::array& heads, int position) const {
  return mx::fast::rope(heads, to_int(config_.head_dim), config_.rope.interleaved, std::nullopt, 1.0F, position, rope_periods_);
}

mx::array MlxLlama::attend(std::size_t layer, const mx::array& x, MlxCache& cache, Logits which) const {
  const Layer& w = layers_[layer];
  const int heads = to_int(config_.heads);
  const int kv_heads = to_int(config_.kv_heads);
  const int head_dim = to_int(config_.head_dim);
  const mx::array normed = mx::fast::rms_norm(x, w.attention_norm, config_.norm_eps);
  const mx::array k = rotate(split_heads(w.k.times(normed), kv_heads, head_dim), cache.size());
  const mx::array v = split_heads(w.v.times(normed), kv_heads, head_dim);
  const MlxCache::Pair all = cache.append(layer, {k, v});

  const mx::array asking = which == Logits::last ? last_token(normed) : normed;
  const int queries = asking.shape(kTokenAxis);
  const int first = cache.size() + x.shape(kTokenAxis) - queries;
  const mx::array q = rotate(split_heads(w.q.times(asking), heads, head_dim), first);
  const float scale = 1.0F / std::sqrt(static_cast<float>(head_dim));
  // The last query may see every key: no mask.
  const char* mask = queries == 1 ? "" : "causal";
  return w.o.times(join_heads(mx::fast::scaled_dot_product_attention(q, all.keys, all.values, scale, mask)));
}

mx::array MlxLlama::feed_forward(const Layer& layer, const mx::array& x) const {
  const mx::array normed = mx::fast::rms_norm(x, layer.mlp_norm, config_.norm_eps);
  const mx::array gate = layer.gate.times(normed);
  return layer.down.times(gate * mx::sigmoid(gate) * layer.up.times(normed));
}

mx::array MlxLlama::forward(const mx::array& ids, MlxCache& cache, Logits which) const {
  mx::array x = embedding_.rows(ids, dtype_);  // (1, n, hidden)
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const Logits rows = i + 1 == layers_.size() ? which : Logits::all;
    const mx::array attended = attend(i, x, cache, rows);
    x = (rows == Logits::last ? last_token(x) : x) + attended;
    x = x + feed_forward(layers_[i], x);
  }
  cache.advance(ids.shape(1));
  const MlxMatrix& head = head_ ? *head_ : embedding_;
  return mx::astype(head.times(mx::fast::rms_norm(x, final_norm_, config_.norm_eps)), mx::float32);
}

mx::array MlxLlama::prefill(std::span<const TokenId> ids, MlxCache& cache) const {
  const auto chunk = static_cast<std::size_t>(chunk_);
  while (ids.size() > chunk) {
    (void)forward(to_array(ids.first(chunk)), cache, Logits::last);
    mx::eval(cache.arrays());
    mx::clear_cache();
    ids = ids.subspan(chunk);
  }
  return forward(to_array(ids), cache, Logits::last);
}

int64_t MlxLlama::bytes_per_token() const {
  int64_t bytes = head_ ? head_->bytes() + embedding_.bytes() / config_.vocab : embedding_.bytes();
  bytes += static_cast<int64_t>(final_norm_.nbytes());
  for (const Layer& layer : layers_) {
    bytes += static_cast<int64_t>(layer.attention_norm.nbytes() + layer.mlp_norm.nbytes());
    for (const MlxMatrix* w : {&layer.q, &layer.k, &layer.v, &layer.o, &layer.gate, &layer.up, &layer.down}) bytes += w->bytes();
  }
  return bytes;
}

int64_t MlxLlama::cache_bytes_per_position() const {
  return 2 * config_.layers * config_.kv_heads * config_.head_dim * static_cast<int64_t>(mx::size_of(dtype_));
}

}  // namespace ifm
