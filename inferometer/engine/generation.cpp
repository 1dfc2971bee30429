#include "inferometer/engine/generation.h"

#include <algorithm>
#include <utility>

#include "inferometer/base/check.h"
#include "inferometer/engine/in_process.h"

namespace ifm {
Generation::Generation(const GenerationSetup& setup, const Request& request, std::vector<TokenId> prompt, KvSequence& sequence,
                       TokenSink& sink, StopToken stop, int64_t start_ns)
    : setup_(setup),
      request_(request),
      sequence_(sequence),
      sink_(sink),
      stop_(std::move(stop)),
      sampler_(sampler_config_of(request.sampling), setup.kernels, setup.vocab),
      answer_(request, setup.eos),
      done_{.start_ns = start_ns},
      next_(std::move(prompt)) {
  check_fits(next_.size(), request.max_tokens, sequence.capacity());
  for (const TokenId id : next_) sampler_.accept(id);
  if (setup.speculation == Speculation::lookup) {
    draft_.append(next_);
    done_.speculated = Speculated{};
  }
  done_.prompt_tokens = static_cast<int>(next_.size());
  drawn_.reserve(LookupDraft::kMostIds + 1);
  sequence_.truncate(0);
}

void Generation::begin_prompt() { done_.prefill_begin_ns = setup_.clock.now_ns(); }

void Generation::take(std::span<const float> logits) {
  if (at_prompt() && drawn_.empty()) done_.prefill_end_ns = setup_.clock.now_ns();
  if (!guesses_hold_ || answer_.finish()) return;
  const TokenId id = sampler_.draw(logits);
  drawn_ns_ = setup_.clock.now_ns();
  accept(id);
}

/// An id that was drawn: what it says, and whether it is the last.
void Generation::accept(TokenId id) {
  sampler_.accept(id);
  const bool guessed = !at_prompt() && drawn_.size() + 1 < next_.size() && next_[drawn_.size() + 1] == id;
  drawn_.push_back(id);
  if (guessed) ++done_.speculated->accepted_tokens;
  guesses_hold_ = guessed;
  text_ += answer_.accept(id, setup_.tokenizer.is_special(id) ? std::string_view() : setup_.tokenizer.token_bytes(id));
}

void Generation::end_step() {
  IFM_CHECK(!drawn_.empty());
  if (!at_prompt()) {
    // Evaluated were the last id and the guesses; of these the ones that an id was drawn after are right.
    sequence_.truncate(sequence_.size() - static_cast<int64_t>(next_.size() - drawn_.size()));
    if (done_.speculated) ++done_.speculated->steps;
  }
  done_.output_tokens += static_cast<int>(drawn_.size());
  done_.end_ns = drawn_ns_;
  sink_.on_tokens({drawn_ns_, drawn_, text_});
  cancelled_ = !answer_.finish() && stop_.stop_requested();
  if (finished()) {
    done_.finish = answer_.finish().value_or(FinishReason::cancelled);
  } else {
    prepare_next();
  }
  drawn_.clear();
  text_.clear();
  guesses_hold_ = true;
}

void Generation::prepare_next() {
  next_.assign(1, drawn_.back());
  if (!done_.speculated) return;
  draft_.append(drawn_);
  // Each guess may yield one more id, and so may the last drawn one.
  const auto wanted = static_cast<std::size_t>(request_.max_tokens - done_.output_tokens);
  const std::span<const TokenId> guess = draft_.guess(wanted - 1);
  next_.insert(next_.end(), guess.begin(), guess.end());
  done_.speculated->drafted_tokens += static_cast<int>(guess.size());
}

}  // namespace ifm
