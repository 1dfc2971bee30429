#pragma once

#include <vector>

#include "inferometer/engine/engine.h"
#include "inferometer/model/kv_cache.h"
#include "inferometer/model/llama.h"

namespace ifm {

/// Bare evaluation on the embedded engine; shares model and sequences (at least one) with generate(). Does not own them.
class EmbeddedEvaluator final : public Evaluator {
 public:
  EmbeddedEvaluator(Llama& llama, std::span<KvSequence> sequences) : llama_(llama), sequences_(sequences) {}
  void truncate(int positions) override;
  void prefill(std::span<const TokenId> ids) override { prefill_sequence(0, ids); }
  void step(TokenId id) override { step_together({&id, 1}); }
  [[nodiscard]] std::span<const float> logits() const override { return logits_; }
  void score(std::span<const TokenId> ids, const std::function<void(int, std::span<const float>)>& each) override;
  [[nodiscard]] int position() const override { return static_cast<int>(sequences_.front().size()); }
  [[nodiscard]] int vocab() const override { return static_cast<int>(llama_.config().vocab); }
  [[nodiscard]] int sequences() const override { return static_cast<int>(sequences_.size()); }
  void prefill_sequence(int sequence, std::span<const TokenId> ids) override;
  void step_together(std::span<const TokenId> ids) override;

 private:
  void check(std::size_t sequence, std::span<const TokenId> ids) const;
  Llama& llama_;
  std::span<KvSequence> sequences_;
  std::span<const float> logits_;
};

}  // namespace ifm
