#include "inferometer/engine/event_tokens.h"

#include <algorithm>
#include <numeric>
#include <string>

namespace ifm {
namespace {

/// Tokens of the bytes of a character that is not whole.
constexpr int kUnfinishedTokens = 3;

int size_of(const std::vector<TokenId>& ids) { return static_cast<int>(ids.size()); }

/// Text events have one token each, and the end one if that is what is left.
std::vector<int> one_each(const std::vector<std::string_view>& events, int tokens) {
  std::vector<int> of_event;
  for (const std::string_view text : events) of_event.push_back(text.empty() ? 0 : 1);
  const int left = tokens - std::accumulate(of_event.begin(), of_event.end(), 0);
  if (left == 1 && events.back().empty()) of_event.back() = 1;
  return of_event;
}

/// By what the tokenizer makes of the text up to each event.
std::vector<int> by_tokenizer(const std::vector<std::string_view>& events, const Tokenize& tokenize) {
  std::vector<int> of_event;
  std::string text;
  int before = 0;
  for (const std::string_view event : events) {
    text += event;
    const int upto = event.empty() ? before : std::max(before, size_of(tokenize(text)));
    of_event.push_back(upto - before);
    before = upto;
  }
  return of_event;
}

/// Makes the counts add up: what is missing came with the end, what is too much did not come with the last ones.
void adjust(std::vector<int>& of_event, int tokens) {
  int left = tokens - std::accumulate(of_event.begin(), of_event.end(), 0);
  if (left > 0) of_event.back() += left;
  for (auto at = of_event.rbegin(); left < 0 && at != of_event.rend(); ++at) {
    const int taken = std::min(*at, -left);
    *at -= taken;
    left += taken;
  }
}

}  // namespace

CountedAnswer count_answer(const std::vector<std::string_view>& events, std::optional<int> usage, AnswerEnd answer_end,
                           const Tokenize& tokenize) {
  CountedAnswer answer;
  if (events.empty()) return answer;
  if (tokenize) {
    std::string text;
    for (const std::string_view event : events) text += event;
    answer.ids = tokenize(text);
  }
  const auto with_text = static_cast<int>(std::ranges::count_if(events, [](std::string_view e) { return !e.empty(); }));
  const int end = answer_end == AnswerEnd::stop_token ? 1 : 0;
  if (usage) {
    answer.tokens = *usage;
    // A text may be made of other tokens than a tokenizer would choose, so that a count that agrees with the events is right too.
    const int beyond_text = *usage - size_of(answer.ids);
    const bool as_text = beyond_text >= -1 && beyond_text <= (answer_end == AnswerEnd::asked_length ? kUnfinishedTokens : 1);
    const bool as_events = *usage == with_text || *usage == with_text + 1;
    answer.disputed = tokenize ? !as_text && !as_events : *usage < with_text && *usage < 1;
  } else if (tokenize) {
    answer.tokens = size_of(answer.ids) + end;
    answer.source = CountSource::tokenizer;
  } else {
    answer.tokens = with_text + end;
    answer.source = CountSource::events;
  }
  answer.of_event = one_each(events, answer.tokens);
  const bool agrees = std::accumulate(answer.of_event.begin(), answer.of_event.end(), 0) == answer.tokens;
  if (!agrees && tokenize) answer.of_event = by_tokenizer(events, tokenize);
  adjust(answer.of_event, answer.tokens);
  return answer;
}

}  // namespace ifm
