#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "inferometer/base/aligned_buffer.h"
#include "inferometer/base/token_id.h"
#include "inferometer/format/checkpoint.h"
#include "inferometer/kernel/kernels.h"
#include "inferometer/kernel/thread_pool.h"
#include "inferometer/model/attention.h"
#include "inferometer/model/kv_cache.h"
#include "inferometer/model/rope.h"

namespace ifm {

/// Which positions' logits a forward pass computes: of each continuation none, its last one, or all.
enum class Logits { none, last, all };

/// Ids that follow what a sequence holds.
struct Continuation {
  KvSequence* sequence = nullptr;
  std::span<const TokenId> ids;
};

/// The forward pass of the Llama family: RMSNorm, grouped-query attention with RoPE, SwiGLU, tied or separate head.
/// Weights stay where the checkpoint maps them. Not thread-safe; uses the pool's threads inside.
/// Source: Touvron et al. 2023 (Llama), Ainslie et al. 2023 (GQA), Shazeer 2020 (GLU variants).
class Llama {
 public:
  /// `checkpoint`, `kernels` and `pool` must outlive it. @throws Error invalid_data when a tensor is missing or has
  /// another shape.
  Llama(const Checkpoint& checkpoint, const Kernels& kernels, ThreadPool& pool, Accuracy accuracy);

  /// Receives logits: index into the ids of this pass, counted over all continuations, and (vocab) f32 valid during the call.
  using LogitsSink = std::function<void(int64_t, std::span<const float>)>;

  /// Evaluates each continuation at the positions sequence->size() … and appends it. Sequences differ from each other, ids are
  /// not empty, < vocab and fit the sequence's capacity (IFM_CHECK: callers check). `sink` is called in order for the positions
  /// that `which` asks for; where these are not all, the others take from the last layer what the cache needs, and the rest of it
  /// is a decode step. In Phase::decode a token's results are bit for bit what they are when it is evaluated alone.
  /// @throws Error resource when the pool has too few free pages; nothing is evaluated then. io when a weight file is not whole
  /// any more: no logits are handed out that were computed with what is gone.
  void forward(std::span<const Continuation> batch, Phase phase, Logits which, const LogitsSink& sink);
  /// The same for one sequence.
  void forward(std::span<const TokenId> ids, KvSequence& sequence, Phase phase, Logits which, const LogitsSink& sink);

  [[nodiscard]] const ModelConfig& config() const { return config_; }
  /// Weights that one decode step reads: layers, head, and one embedding row where the head is not the embedding.
  [[nodiscard]] int64_t bytes_per_token() const;
  /// Multiply-adds of the layers' products for one token, and of the head for one position.
  [[nodiscard]] int64_t layer_macs() const;
  [[nodiscard]] int64_t head_macs() const { return config_.vocab * config_.hidden; }
  /// The part of layer_macs() that only a token whose logits are asked for needs: the last layer without keys and values.
  [[nodiscard]] int64_t logits_only_macs() const;

 private:
  struct Layer {
    std::vector<float> attention_norm, mlp_norm;  // (hidden)
    WeightMatrix q, k, v, o, gate, up, down;
  };
  /// A product's input for a batch, as one way of rounding leaves it.
  struct Rounded {
    const Rounding* rounding;
    AlignedBuffer<std::byte> bytes;
  };

  /// Tokens that pass through the layers together.
  struct Batch {
    std::vector<TokenId> ids;
    std::vector<BatchPiece> pieces;
    std::vector<int64_t> wanted;  // tokens whose logits are asked for, ascending
  };
  /// out (n, out_stride) = input . W^T for each, as one walk over all rows.
  struct Output {
    const WeightMatrix* weights;
    float* out;
    int64_t out_stride;
  };
  /// Computes tokens [begin, end) of a product's input.
  using Prepare = std::function<void(int64_t begin, int64_t end)>;

  void reserve(int64_t tokens);
  /// Head and layers, without the embedding.
  [[nodiscard]] std::vector<const WeightMatrix*> all_matrices() const;
  [[nodiscard]] const Product& product_of(const WeightMatrix& w) const { return product(kernels_, accuracy_, phase_, w.packing); }
  [[nodiscard]] const std::byte* rounded_for(const Product& product) const;
  /// The input of the products that follow: computes x (n, k) and, while it lies in the cache, rounds it once for every way that
  /// `users` want.
  void set_input(const float* x, int64_t n, int64_t k, std::span<const WeightMatrix* const> users, const Prepare& prepare);
  void multiply(std::span<const Output> outputs, int64_t n);
  void multiply_rows(const Output& output, int64_t n, int64_t begin, int64_t end, int thread);
  /// The input of a layer's or the head's first products: normed = norm of x, to which projected is added first where `pending`.
  void set_normed(const std::vector<float>& weight, bool pending, int64_t n, std::span<const WeightMatrix* const> users);

  void embed(const Batch& batch);
  /// All layers; leaves in x and projected, still to be added, the tokens that are wanted.
  void forward_batch(Batch& batch);
  /// Of a KV head's group.
  void rotate_queries(int64_t token, int64_t head);
  void store_key_and_value(const BatchPiece& piece, int64_t token, int64_t head, int64_t layer);
  /// Keeps the wanted tokens: x, normed, cos and sin move together; what follows is a decode step.
  void keep_wanted(Batch& batch);
  void attention_block(Batch& batch, const Layer& layer, int64_t index);
  void mlp_block(const Layer& layer, int64_t n);
  void head(std::span<const int64_t> tokens, int64_t base, const LogitsSink& sink);

  const Checkpoint& checkpoint_;
  ModelConfig config_;
  const Kernels& kernels_;
  ThreadPool& pool_;
  Accuracy accuracy_;
  Rope rope_;
  Attention attention_;
  WeightMatrix embedding_, head_;
  std::vector<Layer> layers_;
  std::vector<float> final_norm_;

  Phase phase_ = Phase::prefill;            // of the running pass
  int64_t reserved_ = 0;                    // tokens that the buffers hold
  AlignedBuffer<float> x_, normed_;         // (n, hidden)
  AlignedBuffer<float> q_, k_, v_;          // (n, heads | kv_heads, head_dim)
  AlignedBuffer<float> attended_;           // (n, heads, head_dim)
  AlignedBuffer<float> projected_;          // (n, hidden)
  AlignedBuffer<float> gate_, up_;          // (n, intermediate)
  AlignedBuffer<float> cos_, sin_;          // (n, head_dim / 2)
  AlignedBuffer<float> logits_;             // (rows of a head batch, vocab)
  std::vector<Rounded> rounded_;            // one per way of rounding that the products use
  std::vector<Rounded*> wanted_roundings_;  // of the present input
  const float* input_ = nullptr;            // (n, k)
  int64_t input_k_ = 0;
  std::vector<AlignedBuffer<std::byte>> scratch_;  // one per thread
};

}  // namespace ifm
