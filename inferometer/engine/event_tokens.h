#pragma once

#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "inferometer/base/token_id.h"
#include "inferometer/engine/engine.h"

namespace ifm {

/// Turns text into ids as the model's tokenizer does; null where there is none at hand.
using Tokenize = std::function<std::vector<TokenId>(std::string_view)>;

/// A server's answer, counted (METHOD, rule 1).
struct CountedAnswer {
  int tokens = 0;
  CountSource source = CountSource::usage;
  std::vector<int> of_event;  ///< adds up to `tokens`
  std::vector<TokenId> ids;   ///< of the text; empty without a tokenizer
  bool disputed = false;      ///< the server's count is not what its text holds, see count_answer()
};

/// How an answer ended.
enum class AnswerEnd {
  stop_token,    ///< by a token that has no text, an EOS
  asked_length,  ///< with as many tokens as were asked for, by the server's own count
  other
};

/// events: the text of each, the last one empty where the server said the end in an event of its own. usage: the server's count.
/// The count may differ by one from the tokens of the text, for an EOS; by three more tokens where the length ended the answer,
/// because the bytes of an unfinished character are not sent. A count of events is all there is without usage and tokenizer. An
/// event is not a token: servers hold text back and send several at once; with a tokenizer what came with each is counted in the
/// text up to it, without one the first events are taken to have one each.
[[nodiscard]] CountedAnswer count_answer(const std::vector<std::string_view>& events, std::optional<int> usage, AnswerEnd end,
                                         const Tokenize& tokenize);

}  // namespace ifm
