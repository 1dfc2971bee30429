#include "inferometer/model/lookup_draft.h"

#include <algorithm>

namespace ifm {

std::span<const TokenId> LookupDraft::guess(std::size_t most) {
  guess_.clear();
  std::size_t length = 0;  // of the best occurrence
  std::size_t follow = 0;  // where the text goes on after it
  for (std::size_t end = text_.size(); end-- > 1 && length < kLongestMatch;) {
    if (text_[end - 1] != text_.back()) continue;
    std::size_t equal = 1;
    while (equal < std::min(kLongestMatch, end) && text_[end - 1 - equal] == text_[text_.size() - 1 - equal]) ++equal;
    if (equal <= length) continue;
    length = equal;
    follow = end;
  }
  if (length < kShortestMatch) return guess_;
  const std::size_t count = std::min(most, 2 * (length - 1));
  // An occurrence near the end goes on into the guess itself: what repeats, repeats again.
  for (std::size_t i = 0; i < count; ++i, ++follow) {
    guess_.push_back(follow < text_.size() ? text_[follow] : guess_[follow - text_.size()]);
  }
  return guess_;
}

}  // namespace ifm
