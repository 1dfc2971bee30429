#pragma once

#include <optional>
#include <span>

#include <mlx/array.h>
#include <mlx/stream.h>

#include "inferometer/engine/engine.h"
#include "inferometer/engine/mlx_llama.h"

namespace ifm {

/// Bare evaluation with MLX; shares model and cache with generate(). Does not own them.
class MlxEvaluator final : public Evaluator {
 public:
  MlxEvaluator(const MlxLlama& llama, MlxCache& cache, int context, const mlx::core::Stream& stream)
      : llama_(llama), cache_(cache), context_(context), stream_(stream) {}
  void truncate(int positions) override;
  void prefill(std::span<const TokenId> ids) override;
  void step(TokenId id) override { prefill({&id, 1}); }
  [[nodiscard]] std::span<const float> logits() const override { return shown_; }
  void score(std::span<const TokenId> ids, const std::function<void(int, std::span<const float>)>& each) override;
  [[nodiscard]] int position() const override { return cache_.size(); }
  [[nodiscard]] int vocab() const override { return static_cast<int>(llama_.config().vocab); }

 private:
  void check(std::span<const TokenId> ids) const;
  /// Shows row `row` of (1, n, vocab) logits that are evaluated, and keeps them.
  void show(const mlx::core::array& logits, std::size_t row);

  const MlxLlama& llama_;
  MlxCache& cache_;
  int context_;
  mlx::core::Stream stream_;
  std::optional<mlx::core::array> logits_;
  std::span<const float> shown_;  // (vocab), in logits_
};

}  // namespace ifm
