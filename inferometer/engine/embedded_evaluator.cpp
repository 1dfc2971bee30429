#include "inferometer/engine/embedded_evaluator.h"

#include "inferometer/base/error.h"

namespace ifm {

void EmbeddedEvaluator::check(std::span<const TokenId> ids) const {
  if (ids.empty()) fail(ErrorKind::usage, "evaluation: no ids (expected at least one)");
  if (cache_.size() + static_cast<int64_t>(ids.size()) > cache_.capacity()) {
    fail(ErrorKind::resource, "context: {} positions and {} more do not fit the context of {} tokens", cache_.size(), ids.size(),
         cache_.capacity());
  }
  for (const TokenId id : ids) {
    if (id < 0 || id >= vocab())
      fail(ErrorKind::usage, "evaluation: id {} is not in the vocabulary (expected 0 to {})", id, vocab() - 1);
  }
}

void EmbeddedEvaluator::prefill(std::span<const TokenId> ids) {
  check(ids);
  llama_.forward(ids, cache_, Phase::prefill, Logits::last, [this](int64_t, std::span<const float> logits) { logits_ = logits; });
}

void EmbeddedEvaluator::step(TokenId id) {
  const std::span<const TokenId> ids(&id, 1);
  check(ids);
  llama_.forward(ids, cache_, Phase::decode, Logits::last, [this](int64_t, std::span<const float> logits) { logits_ = logits; });
}

void EmbeddedEvaluator::score(std::span<const TokenId> ids, const std::function<void(int, std::span<const float>)>& each) {
  check(ids);
  llama_.forward(ids, cache_, Phase::prefill, Logits::all, [&](int64_t index, std::span<const float> logits) {
    logits_ = logits;
    each(static_cast<int>(index), logits);
  });
}

}  // namespace ifm
