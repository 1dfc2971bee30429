#pragma once

#include <span>
#include <vector>

#include "inferometer/base/token_id.h"

namespace ifm {

/// Guesses how a text goes on: as it did after the most recent earlier occurrence of its last tokens, of the longest such.
/// Source: Saxena 2023 (prompt lookup decoding, https://github.com/apoorvumang/prompt-lookup-decoding); the lengths are measured
/// on chats, stories, summaries, code and corrections by SmolLM2, where an extra token in a pass costs a tenth to a fifth of it.
class LookupDraft {
 public:
  /// Tokens that the longest occurrence has, and the shortest that is worth a guess.
  static constexpr std::size_t kLongestMatch = 5;
  static constexpr std::size_t kShortestMatch = 2;
  /// Ids of the longest guess: two more for each token by which an occurrence is longer than one.
  static constexpr std::size_t kMostIds = 2 * (kLongestMatch - 1);

  void append(TokenId id) { text_.push_back(id); }
  void append(std::span<const TokenId> ids) { text_.insert(text_.end(), ids.begin(), ids.end()); }

  /// At most `most` ids that may follow the text; empty when nothing like its end stands earlier. Valid until the next call.
  /// Looks at the whole text once: about a microsecond for 4,096 tokens.
  [[nodiscard]] std::span<const TokenId> guess(std::size_t most);

 private:
  std::vector<TokenId> text_;
  std::vector<TokenId> guess_;
};

}  // namespace ifm
