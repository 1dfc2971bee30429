#include "inferometer/text/utf8_stream.h"

#include <gtest/gtest.h>

#include "inferometer/text/utf8.h"

namespace ifm {
namespace {

std::string whole(std::string_view bytes) {
  Utf8Stream stream;
  std::string out = stream.push(bytes);
  return out + stream.finish();
}

std::string one_by_one(std::string_view bytes) {
  Utf8Stream stream;
  std::string out;
  for (const char c : bytes) {
    const std::string part = stream.push({&c, 1});
    EXPECT_TRUE(is_valid_utf8(part));
    out += part;
  }
  return out + stream.finish();
}

const std::string kR = "\xEF\xBF\xBD";

// Expected values: CPython 3.11, bytes.decode("utf-8", errors="replace").
TEST(Utf8Stream, ReplacesAsPythonDoes) {
  const std::pair<std::string, std::string> cases[] = {
      {"a\x80z", "a" + kR + "z"},
      {"\xC0\xAF", kR + kR},
      {"\xE0\x80\xAF", kR + kR + kR},
      {"\xE1\x80z", kR + "z"},
      {"\xED\xA0\x80", kR + kR + kR},
      {"\xF0\x90\x80z", kR + "z"},
      {"\xF0\x80\x80\x80", kR + kR + kR + kR},
      {"\xF4\x90\x80\x80", kR + kR + kR + kR},
      {"\xF5\x80", kR + kR},
      {"\xE2\x82", kR},
      {"\xF0\x9F\x99", kR},
      {"\xF0\x9F\x99\x82", "\xF0\x9F\x99\x82"},
      {"\xE2\x82\xE2\x82\xAC", kR + "\xE2\x82\xAC"},
      {"\xC3\xC3\xA9", kR + "\xC3\xA9"},
  };
  for (const auto& [bytes, expected] : cases) EXPECT_EQ(whole(bytes), expected);
}

/// The rule in other words: every prefix of a well-formed character that cannot go on is one replacement, any other byte its own.
std::string by_rule(const std::string& bytes) {
  std::string out;
  for (std::size_t i = 0; i < bytes.size();) {
    std::size_t longest = 0;
    std::string character;
    for (const auto& [first, last] : {std::pair<uint32_t, uint32_t>{0, 0xD7FF}, {0xE000, 0x10FFFF}}) {
      // Which character, if any, has the longest common prefix with the bytes here? Only those that start with this byte can.
      for (uint32_t code = first; code <= last; code += code < 0x80 ? 1 : 64) {
        std::string encoded;
        append_utf8(encoded, code < 0x80 ? code : (code & ~63u));
        if (encoded[0] != bytes[i]) continue;
        std::size_t same = 1;
        while (same < encoded.size() && i + same < bytes.size()) {
          const bool last_byte = same + 1 == encoded.size();
          const bool fits =
              last_byte ? (static_cast<unsigned char>(bytes[i + same]) & 0xC0) == 0x80 : bytes[i + same] == encoded[same];
          if (!fits) break;
          ++same;
        }
        if (same > longest || (same == longest && same == encoded.size())) {
          longest = same;
          character = same == encoded.size() ? bytes.substr(i, same) : std::string();
        }
      }
    }
    out += character.empty() ? kR : character;
    i += longest == 0 ? 1 : longest;
  }
  return out;
}

TEST(Utf8Stream, AgreesWithTheRuleOnShortSequences) {
  const std::string bytes = "a\x7F\x80\x8F\x90\x9F\xA0\xBF\xC1\xC2\xDF\xE0\xE1\xED\xEE\xF0\xF1\xF4\xF5\xFF";
  for (const char a : bytes) {
    for (const char b : bytes) {
      const std::string two = {a, b};
      ASSERT_EQ(whole(two), by_rule(two));
    }
  }
  for (const std::string lead : {"\xE0", "\xE1", "\xED", "\xF0", "\xF1", "\xF4"}) {
    for (const char b : bytes) {
      for (const char c : std::string("a\x80\xBF\xC2")) {
        const std::string sequence = lead + b + c + '\x80';
        ASSERT_EQ(whole(sequence), by_rule(sequence));
      }
    }
  }
}

TEST(Utf8Stream, GivesTheSameHoweverTheBytesAreCut) {
  const std::string bytes = "a\x80\xE2\x82\xAC\xF0\x9F\x99\xE2\x82\xF4\x90z\xED\xA0\x80\xF0\x9F\x99\x82\xC3";
  EXPECT_EQ(one_by_one(bytes), whole(bytes));
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    Utf8Stream stream;
    std::string out = stream.push(bytes.substr(0, cut));
    out += stream.push(bytes.substr(cut));
    EXPECT_EQ(out + stream.finish(), whole(bytes)) << cut;
  }
}

TEST(Utf8Stream, HoldsBackOnlyWhatMayStillBecomeACharacter) {
  Utf8Stream stream;
  EXPECT_EQ(stream.push("ab\xE2\x82"), "ab");
  EXPECT_EQ(stream.push("\xAC"), "\xE2\x82\xAC");
  EXPECT_EQ(stream.push("\xE2"), "");
  EXPECT_EQ(stream.finish(), kR);
  EXPECT_EQ(stream.finish(), "");
}

}  // namespace
}  // namespace ifm
