#include "inferometer/engine/embedded_evaluator.h"

#include <algorithm>

#include "inferometer/base/error.h"
#include "inferometer/engine/in_process.h"

namespace ifm {

void EmbeddedEvaluator::truncate(int positions) {
  for (KvSequence& sequence : sequences_) sequence.truncate(std::min<int64_t>(positions, sequence.size()));
}

void EmbeddedEvaluator::check(std::size_t sequence, std::span<const TokenId> ids) const {
  if (sequence >= sequences_.size()) {
    fail(ErrorKind::usage, "evaluation: no sequence {} (expected 0 to {})", sequence, sequences_.size() - 1);
  }
  const KvSequence& cache = sequences_[sequence];
  check_ids(ids, cache.size(), cache.capacity(), vocab());
}

void EmbeddedEvaluator::prefill_sequence(int sequence, std::span<const TokenId> ids) {
  const auto index = static_cast<std::size_t>(sequence);
  check(index, ids);
  llama_.forward(ids, sequences_[index], Phase::prefill, Logits::last,
                 [this](int64_t, std::span<const float> logits) { logits_ = logits; });
}

void EmbeddedEvaluator::step_together(std::span<const TokenId> ids) {
  if (ids.empty()) fail(ErrorKind::usage, "evaluation: no ids (expected at least one)");
  std::vector<Continuation> batch;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    check(i, ids.subspan(i, 1));
    batch.push_back({&sequences_[i], ids.subspan(i, 1)});
  }
  llama_.forward(batch, Phase::decode, Logits::last, [this](int64_t, std::span<const float> logits) { logits_ = logits; });
}

void EmbeddedEvaluator::score(std::span<const TokenId> ids, const std::function<void(int, std::span<const float>)>& each) {
  check(0, ids);
  llama_.forward(ids, sequences_.front(), Phase::prefill, Logits::all, [&](int64_t index, std::span<const float> logits) {
    logits_ = logits;
    each(static_cast<int>(index), logits);
  });
}

}  // namespace ifm
