#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "inferometer/base/aligned_buffer.h"
#include "inferometer/kernel/kernels.h"
#include "inferometer/kernel/thread_pool.h"
#include "inferometer/model/kv_cache.h"

namespace ifm {

/// Tokens [token_begin, token_end) of a batch: neighbours in one sequence, the first at `position`.
struct BatchPiece {
  KvSequence* sequence = nullptr;
  int64_t position = 0;
  int64_t token_begin = 0, token_end = 0;

  [[nodiscard]] int64_t position_of(int64_t token) const { return position + token - token_begin; }
};

/// Deals a batch's attention out to threads. In Phase::decode a query's keys are cut into fixed parts, so that a single token
/// keeps all threads busy; the cut depends on nothing but the position. Not thread-safe.
class Attention {
 public:
  /// All must outlive it.
  Attention(const ModelConfig& config, const Kernels& kernels, ThreadPool& pool);

  /// Prepares run() for a batch. The pieces' keys and values need not be written yet, but their pages be reserved.
  void plan(std::span<const BatchPiece> pieces, Phase phase);
  /// Makes ready what one KV head's attention needs of tokens [token_begin, token_end) of a piece: the rotated queries of its
  /// group, and the keys and values.
  using Prepare = std::function<void(const BatchPiece& piece, int64_t token_begin, int64_t token_end, int64_t head)>;

  /// Calls `prepare` for every token and head.
  void prepare(const Prepare& prepare);
  /// q, out: (n, heads, head_dim) f32 of the planned batch. Calls `prepare` once for every token and head, on any thread, and
  /// reads what it left.
  void run(int64_t layer, const float* q, float* out, const Prepare& prepare);

 private:
  /// Some queries of a piece, one KV head, one part of the keys.
  struct Item {
    std::size_t piece;
    int64_t token_begin, token_end;
    int64_t head;
    int64_t part;
    int64_t key_begin, key_end;
  };
  /// Items that run together, on tokens [token_begin, token_end).
  struct Round {
    std::size_t item_begin, item_end;
    int64_t token_begin, token_end;
    bool contiguous;  // each thread takes neighbouring items
    int64_t parts;    // the most that one of the tokens has; with 1 there is nothing to merge
  };

  void plan_prefill();
  void plan_decode();
  void run_item(const Item& item, const Round& round, int thread, int64_t layer, const float* q, float* out);
  /// Cuts the round's items into one run per thread, by keys.
  void run_contiguous(const Round& round, const std::function<void(const Item&, int)>& run_one);
  /// Whether no item reads what another one prepares.
  [[nodiscard]] bool items_are_independent() const;
  void merge(const Round& round, float* out);

  const ModelConfig& config_;
  const Kernels& kernels_;
  ThreadPool& pool_;
  std::vector<BatchPiece> pieces_;
  std::vector<Item> items_;
  std::vector<Round> rounds_;
  std::vector<int64_t> token_parts_;           // by token of the batch
  AlignedBuffer<float> parts_;                 // (parts, tokens of a round, heads, head_dim)
  AlignedBuffer<float> sums_;                  // (parts, tokens of a round, heads, 2)
  std::vector<AlignedBuffer<float>> scratch_;  // one per thread
};

}  // namespace ifm
