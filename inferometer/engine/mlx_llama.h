#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <mlx/array.h>
#include <mlx/device.h>

#include "inferometer/base/token_id.h"
#include "inferometer/engine/mlx_weights.h"
#include "inferometer/format/checkpoint.h"
#include "inferometer/model/llama.h"

namespace ifm {

/// Keys and values of one sequence, all layers, as MLX arrays that grow in steps, like mlx-lm's KVCache.
/// Source: mlx_lm/models/cache.py of mlx-lm 0.32.2.
class MlxCache {
 public:
  static constexpr int kStep = 256;  ///< positions

  /// Keys and values, each (1, kv_heads, positions, head_dim).
  struct Pair {
    mlx::core::array keys;
    mlx::core::array values;
  };

  explicit MlxCache(std::size_t layers) : layers_(layers) {}

  [[nodiscard]] int size() const { return size_; }
  /// Forgets what lies at position `positions` and after it. At 0 the arrays go too: a request that follows finds what a first
  /// one finds.
  void truncate(int positions);
  /// Writes a layer's new pairs after the present positions; returns the layer's whole pairs, the new ones included.
  [[nodiscard]] Pair append(std::size_t layer, const Pair& added);
  /// The positions that all layers have appended count from here on.
  void advance(int positions) { size_ += positions; }
  /// What has to be evaluated for the cache to be.
  [[nodiscard]] std::vector<mlx::core::array> arrays() const;

 private:
  std::vector<std::optional<Pair>> layers_;  // capacity a multiple of kStep
  int size_ = 0;
};

/// How a model is computed on a device.
struct MlxTuning {
  MlxActivations activations = MlxActivations::f32;
  int chunk = 512;  ///< positions of a prompt that are evaluated together
};
[[nodiscard]] MlxTuning tuning_for(const mlx::core::Device& device);

/// (1, n) int32 from ids.
[[nodiscard]] mlx::core::array to_array(std::span<const TokenId> ids);

/// The forward pass of the Llama family in MLX operations. Like these it evaluates nothing before its result is evaluated. Used
/// within on_stream(). Source: mlx_lm/models/llama.py of mlx-lm 0.32.2.
class MlxLlama {
 public:
  /// Reads all weights. checkpoint: a folder; not needed afterwards. @throws Error invalid_data when a tensor is missing or has
  /// another shape.
  MlxLlama(const Checkpoint& checkpoint, const MlxTuning& tuning);

  /// Appends ids, (1, n) int32, to the cache; result: (1, n or 1, vocab) f32. Where only the last position's logits are wanted,
  /// the others take from the last layer what the cache needs (mlx-lm leaves out the rest too: nothing evaluates it).
  [[nodiscard]] mlx::core::array forward(const mlx::core::array& ids, MlxCache& cache, Logits which) const;
  /// The last position's logits after ids, (1, 1, vocab) f32. All chunks but the last are evaluated here.
  [[nodiscard]] mlx::core::array prefill(std::span<const TokenId> ids, MlxCache& cache) const;

  [[nodiscard]] const ModelConfig& config() const { return config_; }
  [[nodiscard]] mlx::core::Dtype dtype() const { return dtype_; }
  /// Weights that one decode step reads, as they lie in memory: layers, head, and an embedding row where the head is another.
  [[nodiscard]] int64_t bytes_per_token() const;
  [[nodiscard]] int64_t cache_bytes_per_position() const;

 private:
  MlxLlama(const Checkpoint& checkpoint, const MlxWeights& weights, int chunk);

  struct Layer {
    mlx::core::array attention_norm;
    mlx::core::array mlp_norm;
    MlxMatrix q, k, v, o, gate, up, down;
  };

  [[nodiscard]] mlx::core::array rotate(const mlx::core::array& heads, int position) const;
  [[nodiscard]] mlx::core::array attend(std::size_t layer, const mlx::core::array& x, MlxCache& cache, Logits which) const;
  [[nodiscard]] mlx::core::array feed_forward(const Layer& layer, const mlx::core::array& x) const;

  ModelConfig config_;
  mlx::core::Dtype dtype_;
  int chunk_;
  mlx::core::array rope_periods_;  // (head_dim / 2) positions per radian
  MlxMatrix embedding_;
  std::optional<MlxMatrix> head_;  // null = the embedding
  mlx::core::array final_norm_;
  std::vector<Layer> layers_;
};

}  // namespace ifm
