// Expected values: Hugging Face tokenizers 0.23.3 (tools/goldens/text/make_tokenizer_goldens.py).
#include <gtest/gtest.h>

#include "inferometer/text/model_text.h"
#include "inferometer/text/test_strings.h"
#include "inferometer/text/tokenizer.h"
#include "tests/model/test_models.h"

namespace ifm {
namespace {

nlohmann::json golden() { return nlohmann::json::parse(test::file_text(test::text_golden_folder() + "tokenizer_smollm2.json")); }

/// What a text comes back as: bytes without a token are dropped, in Hugging Face too.
std::string without_missing_bytes(const Tokenizer& tokenizer, std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (!tokenizer.encode(std::string_view(&c, 1)).empty()) out += c;
  }
  return out;
}

TEST(SmolLM2Tokenizer, GgufEncodesTwentyThousandStringsAsHuggingFaceDoes) {
  const Tokenizer tokenizer = Tokenizer::from_gguf(GgufFile::open(test::model_path(test::kGgufModel)));
  ASSERT_EQ(golden()["count"], 20'000);
  EXPECT_EQ(test::count_mismatches(golden(), tokenizer), 0);
  EXPECT_EQ(tokenizer.pre_tokenizer(), "smollm");
  EXPECT_EQ(tokenizer.vocab_size(), 49'152);
  EXPECT_TRUE(tokenizer.prefix().empty());
}

TEST(SmolLM2Tokenizer, FolderEncodesAsTheGgufDoes) {
  const Tokenizer tokenizer = Tokenizer::from_file(test::model_path(test::kFolderModel) / "tokenizer.json");
  EXPECT_EQ(test::count_mismatches(golden(), tokenizer), 0);
}

TEST(SmolLM2Tokenizer, DecodeGivesBackAllBytesThatHaveATokenBrokenOnesToo) {
  const Tokenizer tokenizer = Tokenizer::from_gguf(GgufFile::open(test::model_path(test::kGgufModel)));
  const test::StringMaker strings(golden());
  test::Lcg rng(3);
  for (uint64_t i = 0; i < 10'000; ++i) {
    std::string text = strings.make(300'000 + i);
    if (i % 2 == 1 && !text.empty()) text[rng.below(text.size())] = static_cast<char>(rng.below(256));
    ASSERT_EQ(tokenizer.decode(tokenizer.encode(text)), without_missing_bytes(tokenizer, text)) << i;
  }
  // The 21 bytes without a token: 13 that no UTF-8 has, two lead bytes of unused planes, six control characters.
  int missing = 0;
  for (int byte = 0; byte < 256; ++byte)
    missing += without_missing_bytes(tokenizer, std::string(1, static_cast<char>(byte))).empty() ? 1 : 0;
  EXPECT_EQ(missing, 21);
}

TEST(SmolLM2Tokenizer, EveryTokenOfTheVocabularyIsFoundByItsWrittenFormOnly) {
  const Tokenizer tokenizer = Tokenizer::from_gguf(GgufFile::open(test::model_path(test::kGgufModel)));
  EXPECT_EQ(tokenizer.find("<|im_start|>"), 1);
  EXPECT_EQ(tokenizer.token_bytes(1), "<|im_start|>");
  EXPECT_TRUE(tokenizer.is_special(1));
  EXPECT_FALSE(tokenizer.is_special(17));
  EXPECT_FALSE(tokenizer.find("<|nothing|>"));
  EXPECT_EQ(tokenizer.decode(std::vector<TokenId>{-1, 49'152, 1}), "<|im_start|>");
}

TEST(SmolLM2Text, ChatPromptBeginsWithTheDefaultSystemMessage) {
  const ModelText text = ModelText::open(Checkpoint::open(test::model_path(test::kGgufModel)));
  const ChatMessage message{"user", "Hi"};
  const std::vector<TokenId> ids = text.encode_chat({&message, 1}).ids;
  EXPECT_EQ(text.tokenizer.decode(ids),
            "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n"
            "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n");
  EXPECT_EQ(ids.front(), 1);
  EXPECT_EQ(text.eos_token, "<|im_end|>");
  EXPECT_EQ(text.encode_raw("Hi").ids, text.tokenizer.encode("Hi"));
}

}  // namespace
}  // namespace ifm
