#pragma once

#include "inferometer/engine/engine.h"
#include "inferometer/engine/llama_cpp_context.h"

namespace ifm {

/// Bare evaluation in llama.cpp; shares the context with generate(). Does not own it.
class LlamaCppEvaluator final : public Evaluator {
 public:
  explicit LlamaCppEvaluator(LlamaCppContext& context) : context_(context) {}
  void truncate(int positions) override { context_.truncate(positions); }
  void prefill(std::span<const TokenId> ids) override;
  void step(TokenId id) override { prefill({&id, 1}); }
  [[nodiscard]] std::span<const float> logits() const override { return logits_; }
  void score(std::span<const TokenId> ids, const std::function<void(int, std::span<const float>)>& each) override;
  [[nodiscard]] int position() const override { return context_.position(); }
  [[nodiscard]] int vocab() const override { return context_.vocab(); }

 private:
  LlamaCppContext& context_;
  std::span<const float> logits_;
};

}  // namespace ifm
