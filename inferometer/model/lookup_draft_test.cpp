#include "inferometer/model/lookup_draft.h"

#include <vector>

#include <gtest/gtest.h>

namespace ifm {
namespace {

std::vector<TokenId> guess(const std::vector<TokenId>& text, std::size_t most = LookupDraft::kMostIds) {
  LookupDraft draft;
  draft.append(text);
  const auto ids = draft.guess(most);
  return {ids.begin(), ids.end()};
}

TEST(LookupDraft, GoesOnAsAfterTheLastOccurrence) {
  EXPECT_EQ(guess({1, 2, 3, 4, 5, 9, 1, 2}), (std::vector<TokenId>{3, 4}));
  EXPECT_EQ(guess({1, 2, 7, 8, 1, 2, 3, 4, 5, 9, 1, 2}), (std::vector<TokenId>{3, 4})) << "the most recent of equals";
}

TEST(LookupDraft, PrefersALongerOccurrenceToARecentOne) {
  EXPECT_EQ(guess({6, 1, 2, 7, 8, 9, 9, 9, 1, 2, 3, 4, 5, 6, 1, 2}), (std::vector<TokenId>{7, 8, 9, 9}));
}

TEST(LookupDraft, GuessesMoreAfterALongerOccurrenceAndNeverMoreThanAsked) {
  std::vector<TokenId> text;
  for (TokenId id = 0; id < 40; ++id) text.push_back(id);
  for (TokenId id = 0; id < 8; ++id) text.push_back(id);
  EXPECT_EQ(guess(text), (std::vector<TokenId>{8, 9, 10, 11, 12, 13, 14, 15}));
  EXPECT_EQ(guess(text, 3), (std::vector<TokenId>{8, 9, 10}));
  EXPECT_TRUE(guess(text, 0).empty());
}

TEST(LookupDraft, WhatRepeatsRepeatsAgain) {
  EXPECT_EQ(guess({4, 4, 4}), (std::vector<TokenId>{4, 4}));
  EXPECT_EQ(guess({1, 2, 1, 2, 1, 2, 1, 2}), (std::vector<TokenId>{1, 2, 1, 2, 1, 2, 1, 2}));
}

TEST(LookupDraft, GuessesNothingFromATextWithoutRepetition) {
  EXPECT_TRUE(guess({}).empty());
  EXPECT_TRUE(guess({1}).empty());
  EXPECT_TRUE(guess({1, 2, 3, 4}).empty());
  EXPECT_TRUE(guess({1, 2, 3, 9, 3}).empty()) << "one equal token is not worth a guess";
}

}  // namespace
}  // namespace ifm
