#pragma once

#include <vector>

#include "inferometer/engine/engine.h"
#include "inferometer/model/kv_cache.h"
#include "inferometer/model/llama.h"

namespace ifm {

/// Bare evaluation on the embedded engine; shares model and cache with generate(). Does not own them.
class EmbeddedEvaluator final : public Evaluator {
 public:
  EmbeddedEvaluator(Llama& llama, KvSequence& cache) : llama_(llama), cache_(cache) {}
  void reset() override { cache_.truncate(0); }
  void prefill(std::span<const TokenId> ids) override;
  void step(TokenId id) override;
  [[nodiscard]] std::span<const float> logits() const override { return logits_; }
  void score(std::span<const TokenId> ids, const std::function<void(int, std::span<const float>)>& each) override;
  [[nodiscard]] int position() const override { return static_cast<int>(cache_.size()); }
  [[nodiscard]] int vocab() const override { return static_cast<int>(llama_.config().vocab); }

 private:
  void check(std::span<const TokenId> ids) const;
  Llama& llama_;
  KvSequence& cache_;
  std::span<const float> logits_;
};

}  // namespace ifm
