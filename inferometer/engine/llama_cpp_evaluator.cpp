#include "inferometer/engine/llama_cpp_evaluator.h"

#include <algorithm>

#include "inferometer/engine/in_process.h"

namespace ifm {
namespace {

/// Positions whose logits llama.cpp holds at the same time: of 128 over 128,256 ids 66 MB.
constexpr std::size_t kScoredTogether = 128;

}  // namespace

void LlamaCppEvaluator::prefill(std::span<const TokenId> ids) {
  (void)context_.evaluate(ids, LlamaCppContext::Outputs::last, {});
  logits_ = context_.last_logits();
}

void LlamaCppEvaluator::score(std::span<const TokenId> ids, const std::function<void(int, std::span<const float>)>& each) {
  check_ids(ids, context_.position(), context_.capacity(), context_.vocab());
  const std::size_t most = std::min(kScoredTogether, static_cast<std::size_t>(context_.batch()));
  for (std::size_t begin = 0; begin < ids.size(); begin += most) {
    const std::span<const TokenId> piece = ids.subspan(begin, std::min(most, ids.size() - begin));
    (void)context_.evaluate(piece, LlamaCppContext::Outputs::all, {});
    for (std::size_t i = 0; i < piece.size(); ++i) {
      logits_ = context_.logits(static_cast<int>(i));
      each(static_cast<int>(begin + i), logits_);
    }
  }
}

}  // namespace ifm
