#include "inferometer/text/pre_tokenizer.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <gtest/gtest.h>

#include "inferometer/text/test_strings.h"
#include "inferometer/text/unicode_class.h"

namespace ifm {
namespace {

using Words = std::vector<std::string>;

Words split(PreTokenizerKind kind, const std::string& text) {
  Words words;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = next_word(kind, text, begin);
    EXPECT_GT(end, begin);
    words.push_back(text.substr(begin, end - begin));
    begin = end;
  }
  return words;
}

/// A published pattern under PCRE2, which calls U+180E a space and the reference does not: \s is written out.
class Pattern {
 public:
  explicit Pattern(std::string pattern) {
    const std::string space = R"(\x09-\x0D \x85\xA0\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000})";
    replace(pattern, R"([^\s)", "[^" + space);
    replace(pattern, R"(\S)", "[^" + space + "]");
    replace(pattern, R"(\s)", "[" + space + "]");
    int error = 0;
    PCRE2_SIZE offset = 0;
    code_ = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(), PCRE2_UTF | PCRE2_UCP, &error, &offset,
                          nullptr);
    EXPECT_NE(code_, nullptr) << error;
    match_ = pcre2_match_data_create_from_pattern(code_, nullptr);
  }
  Pattern(const Pattern&) = delete;
  Pattern& operator=(const Pattern&) = delete;
  ~Pattern() {
    pcre2_match_data_free(match_);
    pcre2_code_free(code_);
  }

  [[nodiscard]] Words split(const std::string& text) const {
    Words words;
    for (std::size_t begin = 0; begin < text.size();) {
      const int found =
          pcre2_match(code_, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), begin, PCRE2_ANCHORED, match_, nullptr);
      EXPECT_GT(found, 0);
      if (found <= 0) break;
      const std::size_t end = pcre2_get_ovector_pointer(match_)[1];
      words.push_back(text.substr(begin, end - begin));
      begin = end;
    }
    return words;
  }

 private:
  static void replace(std::string& text, const std::string& from, const std::string& to) {
    for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
      text.replace(at, from.size(), to);
  }
  pcre2_code* code_ = nullptr;
  pcre2_match_data* match_ = nullptr;
};

const char* const kGpt2Pattern = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

/// Characters whose class no version of Unicode since 6 has changed, so that PCRE2's version does not matter.
std::string random_text(test::Lcg& rng) {
  const std::vector<std::string> parts = {"a",
                                          "B",
                                          "s",
                                          "S",
                                          "t",
                                          "ll",
                                          "LL",
                                          "re",
                                          "'",
                                          "'",
                                          " ",
                                          " ",
                                          "\n",
                                          "\r",
                                          "\t",
                                          "1",
                                          "22",
                                          ".",
                                          "-",
                                          "!?",
                                          "\xC3\xA9",
                                          "\xC2\xA0",
                                          "\xC5\xBF",
                                          "\xE4\xBD\xA0",
                                          "\xF0\x9F\x99\x82",
                                          "\xC2\xBD",
                                          "\xE3\x80\x80",
                                          "\xCC\x81",
                                          "\xD9\xA1",
                                          "\xE1\xA0\x8E",
                                          "\xC2\x85",
                                          "\xE2\x80\xA8",
                                          "_",
                                          "D",
                                          "ve",
                                          "M"};
  std::string text;
  for (uint64_t n = rng.below(16); n > 0; --n) text += parts[rng.below(parts.size())];
  return text;
}

void expect_same(PreTokenizerKind kind, const std::string& pattern) {
  const Pattern reference(pattern);
  test::Lcg rng(11);
  for (int i = 0; i < 30'000; ++i) {
    const std::string text = random_text(rng);
    ASSERT_EQ(split(kind, text), reference.split(text)) << text;
  }
}

TEST(PreTokenizer, Llama3ScannerEqualsItsPattern) { expect_same(PreTokenizerKind::llama3, std::string(kLlama3Pattern)); }
TEST(PreTokenizer, Qwen2ScannerEqualsItsPattern) { expect_same(PreTokenizerKind::qwen2, std::string(kQwen2Pattern)); }
TEST(PreTokenizer, Gpt2ScannerEqualsItsPattern) { expect_same(PreTokenizerKind::gpt2, kGpt2Pattern); }

TEST(PreTokenizer, SmollmCutsEveryDigitOffBeforeThePattern) {
  EXPECT_EQ(split(PreTokenizerKind::smollm, "a 12  3"), (Words{"a", " ", "1", "2", "  ", "3"}));
  EXPECT_EQ(split(PreTokenizerKind::smollm, "x'5s  y"), (Words{"x", "'", "5", "s", " ", " y"}));
}

TEST(PreTokenizer, Fault30LongRunsTakeLinearTime) {
  for (const char* piece : {" ", "\n", "a", "!", " \n", "1"}) {
    std::string text;
    while (text.size() < 1'000'000) text += piece;
    for (const auto kind :
         {PreTokenizerKind::gpt2, PreTokenizerKind::smollm, PreTokenizerKind::llama3, PreTokenizerKind::qwen2}) {
      std::size_t joined = 0;
      for (const std::string& word : split(kind, text + "x")) joined += word.size();
      EXPECT_EQ(joined, text.size() + 1);
    }
  }
}

// Expected values: Unicode 16 through tokenizers 0.23.3; U+16FF4 is a digit since Unicode 17, which only the digit splitter
// knows.
TEST(UnicodeClass, AgreesWithTheReferenceAtItsEdges) {
  EXPECT_EQ(unicode_class(U'a'), UnicodeClass::letter);
  EXPECT_EQ(unicode_class(0x1C89), UnicodeClass::letter);
  EXPECT_EQ(unicode_class(0x2167), UnicodeClass::number);
  EXPECT_EQ(unicode_class(0x85), UnicodeClass::space);
  EXPECT_EQ(unicode_class(0x180E), UnicodeClass::other);
  EXPECT_EQ(unicode_class(0x16FF4), UnicodeClass::late_digit);
  EXPECT_EQ(unicode_class(0x10FFFF), UnicodeClass::other);
}

}  // namespace
}  // namespace ifm
