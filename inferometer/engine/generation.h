#pragma once

#include <span>
#include <string>
#include <vector>

#include "inferometer/base/clock.h"
#include "inferometer/base/stop.h"
#include "inferometer/engine/answer.h"
#include "inferometer/engine/engine.h"
#include "inferometer/model/kv_cache.h"
#include "inferometer/model/lookup_draft.h"
#include "inferometer/model/sampler.h"
#include "inferometer/text/tokenizer.h"

namespace ifm {

/// What all generations of a loaded model share. Everything must outlive them.
struct GenerationSetup {
  Clock& clock;
  const Tokenizer& tokenizer;
  const Kernels& kernels;
  int64_t vocab;
  std::span<const TokenId> eos;  ///< ascending
  Speculation speculation;
};

/// One request on its way from its prompt to its last token. Its owner evaluates next_ids() on sequence(), hands over the logits,
/// and ends the step; with guesses (Speculation::lookup) a step yields several tokens. The ids are the same with and without
/// them: each is drawn from the logits after the ids before it, with the same uniform number, and a guess only decides whether
/// the logits after it are there already.
class Generation {
 public:
  /// `request`, `sequence` (emptied here) and `sink` must outlive it. start_ns: when the request was handed over.
  /// @throws Error usage for parameters out of their range, resource when the prompt and max_tokens do not fit the sequence.
  Generation(const GenerationSetup& setup, const Request& request, std::vector<TokenId> prompt, KvSequence& sequence,
             TokenSink& sink, StopToken stop, int64_t start_ns);

  /// Ids to evaluate: the prompt; after it the last drawn id and what is guessed to follow it. Valid until end_step().
  [[nodiscard]] std::span<const TokenId> next_ids() const { return next_; }
  /// Whether next_ids() is the prompt, of which only the last position's logits are wanted; otherwise all are.
  [[nodiscard]] bool at_prompt() const { return done_.output_tokens == 0; }
  [[nodiscard]] KvSequence& sequence() { return sequence_; }
  /// The prompt's evaluation begins.
  void begin_prompt();
  /// Logits of the wanted positions, in order, (vocab) each: draws the next id unless a guess before it was wrong.
  /// @throws Error engine when they are not finite.
  void take(std::span<const float> logits);
  /// After the evaluation: forgets wrong guesses, hands what was drawn to the sink as one event, and prepares the next step.
  void end_step();

  [[nodiscard]] bool finished() const { return cancelled_ || answer_.finish().has_value(); }
  [[nodiscard]] const Completion& completion() const { return done_; }

 private:
  void accept(TokenId id);
  void prepare_next();

  const GenerationSetup& setup_;
  const Request& request_;
  KvSequence& sequence_;
  TokenSink& sink_;
  StopToken stop_;
  Sampler sampler_;
  Answer answer_;
  LookupDraft draft_;
  Completion done_;
  std::vector<TokenId> next_;
  // Of the running step:
  std::vector<TokenId> drawn_;
  std::string text_;
  bool guesses_hold_ = true;
  int64_t drawn_ns_ = 0;  // the last id of the step
  bool cancelled_ = false;
};

}  // namespace ifm
