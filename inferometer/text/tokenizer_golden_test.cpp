// Expected values: Hugging Face tokenizers 0.23.3 (tools/goldens/text/make_tokenizer_goldens.py).
#include <algorithm>

#include <gtest/gtest.h>

#include "inferometer/text/test_strings.h"
#include "inferometer/text/tokenizer.h"
#include "inferometer/text/tokenizer_parts.h"

namespace ifm {
namespace {

class Family : public testing::TestWithParam<const char*> {
 protected:
  [[nodiscard]] static std::string name() { return GetParam(); }
  [[nodiscard]] static Tokenizer tokenizer() {
    return Tokenizer::from_file(test::text_golden_folder() + name() + ".tokenizer.json");
  }
  [[nodiscard]] static nlohmann::json golden() {
    return nlohmann::json::parse(test::file_text(test::text_golden_folder() + "tokenizer_" + name() + ".json"));
  }
};

TEST_P(Family, EncodesAsHuggingFaceDoes) {
  ASSERT_GE(golden()["count"], 5000);
  EXPECT_EQ(test::count_mismatches(golden(), tokenizer()), 0);
  EXPECT_EQ(tokenizer().pre_tokenizer(), name());
}

TEST_P(Family, PrefixIsWhatThePostProcessorAdds) {
  const Tokenizer t = tokenizer();
  EXPECT_EQ(std::vector<TokenId>(t.prefix().begin(), t.prefix().end()), golden()["prefix"].get<std::vector<TokenId>>());
}

TEST_P(Family, DecodeGivesBackWhatWasEncoded) {
  const Tokenizer t = tokenizer();
  const test::StringMaker strings(golden());
  for (uint64_t i = 0; i < 5000; ++i) {
    const std::string text = strings.make(200'000 + i);
    // qwen2 normalizes what it encodes; its added token "cafe\u0301" decodes to how the file writes it.
    const auto form = [](const std::string& s) { return name() == "qwen2" ? to_nfc(s) : s; };
    ASSERT_EQ(form(t.decode(t.encode(text))), form(text)) << i;
    ASSERT_EQ(form(t.decode(t.encode(text, SpecialText::plain))), form(text)) << i;
  }
}

TEST_P(Family, Fault33BrokenUtf8ComesBackByteForByteAndLeavesItsSurroundingsAlone) {
  const Tokenizer t = tokenizer();
  const test::StringMaker strings(golden());
  test::Lcg rng(7);
  for (uint64_t i = 0; i < 3000; ++i) {
    std::string bytes;
    for (uint64_t n = rng.below(12); n > 0; --n)
      bytes += static_cast<char>(rng.below(4) == 0 ? rng.below(256) : 0x80 + rng.below(128));
    const std::string before = name() == "qwen2" ? "before " : strings.make(i);
    const std::string text = before + "\xFF" + bytes;
    const std::vector<TokenId> ids = t.encode(text);
    if (name() != "qwen2") {  // there, parts of the random bytes may be normalized
      ASSERT_EQ(t.decode(ids), text) << i;
    }
    std::vector<TokenId> expected = t.encode(before);
    expected.push_back(*t.find("\xC3\xBF"));  // the byte FF is written as U+00FF
    ASSERT_TRUE(std::equal(expected.begin(), expected.end(), ids.begin())) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Tokenizer, Family, testing::Values("llama3", "qwen2", "gpt2"),
                         [](const auto& family) { return family.param; });

}  // namespace
}  // namespace ifm
