#include "inferometer/engine/event_tokens.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace ifm {
namespace {

/// Two bytes a token.
std::vector<TokenId> by_twos(std::string_view text) { return std::vector<TokenId>((text.size() + 1) / 2, 7); }

using Counts = std::vector<int>;

TEST(EventTokens, EachTextIsATokenWhereUsageSaysSo) {
  const CountedAnswer answer = count_answer({"ab", "c", "d", ""}, 3, AnswerEnd::other, nullptr);
  EXPECT_EQ(answer.tokens, 3);
  EXPECT_EQ(answer.of_event, (Counts{1, 1, 1, 0}));
  EXPECT_EQ(answer.source, CountSource::usage);
  EXPECT_FALSE(answer.disputed);
}

TEST(EventTokens, AnEosIsATokenOfTheEnd) {
  EXPECT_EQ(count_answer({"ab", "c", ""}, 3, AnswerEnd::stop_token, nullptr).of_event, (Counts{1, 1, 1}));
}

TEST(EventTokens, Fault84SeveralTokensInAnEventAreCountedByTheTokenizer) {
  const CountedAnswer answer = count_answer({"abcd", "ef", "ghijkl"}, 6, AnswerEnd::other, by_twos);
  EXPECT_EQ(answer.of_event, (Counts{2, 1, 3}));
  EXPECT_FALSE(answer.disputed);
}

TEST(EventTokens, WithoutATokenizerWhatIsLeftCameWithTheEndAndNothingIsLost) {
  const CountedAnswer answer = count_answer({"abcd", "ef", "ghijkl"}, 6, AnswerEnd::other, nullptr);
  EXPECT_EQ(answer.of_event, (Counts{1, 1, 4}));
}

TEST(EventTokens, Fault84AWrongUsageIsFound) {
  EXPECT_TRUE(count_answer({"ab", "cd", "ef", "gh"}, 9, AnswerEnd::other, by_twos).disputed);
  EXPECT_TRUE(count_answer({"ab", "cd", "ef", "gh"}, 1, AnswerEnd::other, by_twos).disputed);
  EXPECT_TRUE(count_answer({"ab", "cd", "ef", "gh"}, 0, AnswerEnd::other, by_twos).disputed);
  EXPECT_FALSE(count_answer({"ab", "cd", "ef", "gh"}, 5, AnswerEnd::stop_token, by_twos).disputed);
  EXPECT_FALSE(count_answer({"ab", "cd", "ef", "gh"}, 4, AnswerEnd::other, by_twos).disputed);
  // The asked length fell into a character of several tokens, whose bytes a server does not send; in fewer events than tokens.
  EXPECT_FALSE(count_answer({"abcd", "efgh"}, 7, AnswerEnd::asked_length, by_twos).disputed);
  EXPECT_TRUE(count_answer({"abcd", "efgh"}, 7, AnswerEnd::other, by_twos).disputed);
  EXPECT_TRUE(count_answer({"abcd", "efgh"}, 8, AnswerEnd::asked_length, by_twos).disputed);
}

TEST(EventTokens, Fault84WithoutUsageTheTokenizerCountsAndWithoutBothTheEventsDo) {
  const CountedAnswer by_tokenizer = count_answer({"abcd", "ef"}, std::nullopt, AnswerEnd::stop_token, by_twos);
  EXPECT_EQ(by_tokenizer.tokens, 4);
  EXPECT_EQ(by_tokenizer.source, CountSource::tokenizer);
  const CountedAnswer by_events = count_answer({"abcd", "ef"}, std::nullopt, AnswerEnd::other, nullptr);
  EXPECT_EQ(by_events.tokens, 2);
  EXPECT_EQ(by_events.source, CountSource::events);
}

TEST(EventTokens, CountsOfEventsAddUpWhateverUsageSays) {
  for (int usage = 0; usage < 12; ++usage) {
    for (const Tokenize& tokenize : {Tokenize(by_twos), Tokenize()}) {
      int sum = 0;
      for (const int tokens : count_answer({"ab", "cdef", "g", ""}, usage, AnswerEnd::other, tokenize).of_event) {
        EXPECT_GE(tokens, 0);
        sum += tokens;
      }
      EXPECT_EQ(sum, usage);
    }
  }
}

}  // namespace
}  // namespace ifm
