#include "inferometer/text/tokenizer.h"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>

#include <gtest/gtest.h>

#include "inferometer/base/error.h"
#include "inferometer/base/test_folder.h"
#include "inferometer/text/bpe.h"
#include "inferometer/text/test_strings.h"

namespace ifm {
namespace {

/// A folder of this test's own, removed at its end.
class TokenizerFile : public testing::Test {
 protected:
  void SetUp() override { json_ = nlohmann::json::parse(test::file_text(test::text_golden_folder() + "llama3.tokenizer.json")); }

  [[nodiscard]] Tokenizer load(const std::string& text) const {
    std::ofstream(folder_.path() / "tokenizer.json", std::ios::binary) << text;
    return Tokenizer::from_file(folder_.path() / "tokenizer.json");
  }

  [[nodiscard]] Tokenizer load_changed(const std::function<void(nlohmann::json&)>& change) const {
    nlohmann::json changed = json_;
    change(changed);
    return load(changed.dump());
  }

  void expect_error(ErrorKind kind, const std::string& named, const std::function<void(nlohmann::json&)>& change) const {
    try {
      (void)load_changed(change);
      FAIL() << "accepted: " << named;
    } catch (const Error& error) {
      EXPECT_EQ(to_string(error.kind()), std::string(to_string(kind))) << error.message();
      EXPECT_NE(error.message().find(named), std::string::npos) << error.message();
      EXPECT_NE(error.message().find("tokenizer.json"), std::string::npos) << error.message();
      EXPECT_EQ(error.message().find('\n'), std::string::npos) << error.message();
    }
  }

  test::TempFolder folder_;
  nlohmann::json json_;
};

TEST_F(TokenizerFile, Fault26MergesAsPairsAndAsStringsGiveTheSame) {
  const Tokenizer pairs = load(json_.dump());
  const Tokenizer strings = load_changed([](nlohmann::json& j) {
    for (auto& merge : j["model"]["merges"]) merge = merge[0].get<std::string>() + " " + merge[1].get<std::string>();
  });
  const std::string text = "The cat's 1234 for (int i = 0; i < n; ++i) {";
  EXPECT_EQ(pairs.encode(text), strings.encode(text));
}

TEST_F(TokenizerFile, Fault31UnknownPartsAreNamedAndNeverApproximated) {
  using nlohmann::json;
  const auto unsupported = ErrorKind::unsupported;
  expect_error(unsupported, "WordPiece", [](json& j) { j["model"]["type"] = "WordPiece"; });
  expect_error(unsupported, "NFKC", [](json& j) { j["normalizer"] = {{"type", "NFKC"}}; });
  expect_error(unsupported, "Whitespace", [](json& j) { j["pre_tokenizer"] = {{"type", "Whitespace"}}; });
  expect_error(unsupported, "pre_tokenizer", [](json& j) { j["pre_tokenizer"] = nullptr; });
  expect_error(unsupported, "\\\\d+", [](json& j) { j["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"] = "\\d+"; });
  expect_error(unsupported, "add_prefix_space",
               [](json& j) { j["pre_tokenizer"]["pretokenizers"][1]["add_prefix_space"] = true; });
  expect_error(unsupported, "MergedWithPrevious",
               [](json& j) { j["pre_tokenizer"]["pretokenizers"][0]["behavior"] = "MergedWithPrevious"; });
  expect_error(unsupported, "Metaspace", [](json& j) { j["decoder"] = {{"type", "Metaspace"}}; });
  expect_error(unsupported, "BertProcessing", [](json& j) { j["post_processor"] = {{"type", "BertProcessing"}}; });
  expect_error(unsupported, "lstrip", [](json& j) { j["added_tokens"][0]["lstrip"] = true; });
  expect_error(unsupported, "dropout", [](json& j) { j["model"]["dropout"] = 0.1; });
  expect_error(unsupported, "end_of_word_suffix", [](json& j) { j["model"]["end_of_word_suffix"] = "</w>"; });
}

TEST_F(TokenizerFile, Fault29WhatLooksLikeAByteIsTextWhereBytesHaveTokensOfTheirOwn) {
  const Tokenizer t = load_changed([](nlohmann::json& j) {
    const auto next = static_cast<int>(j["model"]["vocab"].size() + j["added_tokens"].size());
    j["model"]["vocab"]["<0x-1>"] = next;
    j["model"]["vocab"]["<0xZZ>"] = next + 1;
  });
  for (const char* text : {"<0x-1>", "<0xZZ>", "<0x41>"}) EXPECT_EQ(t.decode(t.encode(text)), text);
  expect_error(ErrorKind::unsupported, "byte_fallback", [](nlohmann::json& j) {
    j["model"]["byte_fallback"] = true;
    j["model"]["vocab"].erase("\u0101");
    j["model"]["merges"] = nlohmann::json::array();
  });
}

TEST_F(TokenizerFile, Fault27And28BadDataIsRefusedAndNamed) {
  using nlohmann::json;
  const auto invalid = ErrorKind::invalid_data;
  expect_error(invalid, "merge 3", [](json& j) { j["model"]["merges"][3] = json::array({"a", "no such token"}); });
  expect_error(invalid, "merge 3", [](json& j) { j["model"]["merges"][3] = "abc"; });
  expect_error(invalid, "merge 3", [](json& j) { j["model"]["merges"][3] = 5; });
  expect_error(invalid, "twice", [](json& j) { j["model"]["vocab"]["new"] = 7; });
  expect_error(invalid, "out of range", [](json& j) { j["model"]["vocab"]["new"] = -1; });
  expect_error(invalid, "out of range", [](json& j) { j["model"]["vocab"]["new"] = 4'000'000'000; });
  expect_error(invalid, "no integer", [](json& j) { j["model"]["vocab"]["new"] = "1"; });
  expect_error(invalid, "out of range", [](json& j) { j["added_tokens"][0]["id"] = 1 << 30; });
  expect_error(invalid, "two ids", [](json& j) { j["added_tokens"][0]["content"] = "a"; });
  expect_error(invalid, "no token",
               [](json& j) { j["post_processor"]["processors"][1]["single"][0]["SpecialToken"]["id"] = "<nothing>"; });
  expect_error(invalid, "vocab", [](json& j) { j["model"].erase("vocab"); });
  expect_error(invalid, "merges", [](json& j) { j["model"]["merges"] = 1; });
  expect_error(invalid, "empty", [](json& j) {
    j["model"]["vocab"] = json::object();
    j["model"]["merges"] = json::array();
    j["added_tokens"] = json::array();
  });
}

TEST_F(TokenizerFile, EveryTruncatedPrefixIsAnError) {
  const std::string text = json_.dump();
  for (std::size_t size = 0; size < text.size(); size += size < 2000 || size > text.size() - 500 ? 1 : 97) {
    EXPECT_THROW((void)load(text.substr(0, size)), Error) << size;
  }
  EXPECT_THROW((void)load(text + "x"), Error);
  EXPECT_THROW((void)load(std::string(100'000, '[')), Error);
  EXPECT_THROW((void)Tokenizer::from_file(folder_.path() / "missing.json"), Error);
  EXPECT_THROW((void)Tokenizer::from_file(folder_.path()), Error);
}

TEST_F(TokenizerFile, UnknownTokenMattersOnlyWhereAByteHasNone) {
  EXPECT_NO_THROW((void)load_changed([](nlohmann::json& j) { j["model"]["unk_token"] = "!"; }));
  expect_error(ErrorKind::unsupported, "unk_token", [](nlohmann::json& j) {
    j["model"]["unk_token"] = "!";
    j["model"]["vocab"].erase("\u0101");
    j["model"]["merges"] = nlohmann::json::array();
  });
}

TEST_F(TokenizerFile, SpecialTextIsATokenOrPlainTextAsAsked) {
  const Tokenizer t = load(json_.dump());
  const TokenId bos = *t.find("<|begin_of_text|>");
  const TokenId tool = *t.find("<tool>");
  EXPECT_EQ(t.encode("<|begin_of_text|>"), std::vector<TokenId>{bos});
  EXPECT_TRUE(t.is_special(bos));
  EXPECT_FALSE(t.is_special(tool));
  const std::vector<TokenId> plain = t.encode("<|begin_of_text|><tool>", SpecialText::plain);
  EXPECT_EQ(std::count(plain.begin(), plain.end(), bos), 0);
  EXPECT_EQ(plain.back(), tool);  // not special: always a token
  EXPECT_EQ(t.decode(plain), "<|begin_of_text|><tool>");
}

TEST_F(TokenizerFile, Fault33LoneSurrogatesNulAndAByteOrderMarkStayWhatTheyWere) {
  const Tokenizer t = load(json_.dump());
  EXPECT_TRUE(t.encode("").empty());
  EXPECT_EQ(t.decode(t.encode(std::string("\xEF\xBB\xBF\0\xED\xA0\x80", 7))), std::string("\xEF\xBB\xBF\0\xED\xA0\x80", 7));
}

TEST_F(TokenizerFile, Fault34TextPastTheCapIsAResourceError) {
  const Tokenizer t = load(json_.dump());
  try {
    (void)t.encode(std::string((std::size_t{64} << 20) + 1, ' '));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::resource);
  }
}

/// The rule as it is told: again and again the pair of lowest rank, leftmost first.
std::vector<TokenId> merge_by_rule(std::vector<TokenId> ids,
                                   const std::map<std::pair<TokenId, TokenId>, std::pair<int, TokenId>>& rules) {
  while (true) {
    std::size_t best = ids.size();
    for (std::size_t i = 0; i + 1 < ids.size(); ++i) {
      const auto rule = rules.find({ids[i], ids[i + 1]});
      if (rule == rules.end()) continue;
      if (best == ids.size() || rule->second.first < rules.at({ids[best], ids[best + 1]}).first) best = i;
    }
    if (best == ids.size()) return ids;
    ids[best] = rules.at({ids[best], ids[best + 1]}).second;
    ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(best) + 1);
  }
}

TEST(BpeMerges, ShortAndLongWordsFollowTheRule) {
  BpeMerges merges;
  BpeMerges::ByteIds bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<TokenId>(i);
  merges.set_byte_ids(bytes);
  std::map<std::pair<TokenId, TokenId>, std::pair<int, TokenId>> rules;
  std::vector<std::string> texts;
  for (int i = 0; i < 256; ++i) texts.emplace_back(1, static_cast<char>(i));
  test::Lcg rng(5);
  std::vector<TokenId> usable = {'a', 'b', 'c'};
  for (int rank = 0; rank < 60; ++rank) {
    const TokenId left = usable[rng.below(usable.size())];
    const TokenId right = usable[rng.below(usable.size())];
    const std::string text = texts[static_cast<std::size_t>(left)] + texts[static_cast<std::size_t>(right)];
    auto known = std::find(texts.begin(), texts.end(), text);
    if (known == texts.end()) {
      usable.push_back(static_cast<TokenId>(texts.size()));
      known = texts.insert(texts.end(), text);
    }
    const auto merged = static_cast<TokenId>(known - texts.begin());
    rules[{left, right}] = {rank, merged};
    merges.add(left, right, rank, merged);
  }
  BpeMerges::Scratch scratch;
  for (int round = 0; round < 3000; ++round) {
    std::string word;
    for (uint64_t n = rng.below(round % 2 == 0 ? 30 : 200); n > 0; --n) word += static_cast<char>('a' + rng.below(3));
    std::vector<TokenId> got;
    merges.encode_word(word, scratch, got);
    ASSERT_EQ(got, merge_by_rule(std::vector<TokenId>(word.begin(), word.end()), rules)) << word;
  }
}

}  // namespace
}  // namespace ifm
