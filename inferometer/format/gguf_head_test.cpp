#include "inferometer/format/gguf_head.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "inferometer/base/error.h"
#include "inferometer/format/gguf_value.h"
#include "inferometer/format/test_files.h"

namespace ifm {
namespace {

using test::bytes_of_text;
using test::expect_error;
using test::raw;

std::string text_of(std::string_view text) { return raw(uint64_t{text.size()}) += text; }
std::string text_key(std::string_view name, std::string_view value) {
  return text_of(name) + raw(GgufType::string) + text_of(value);
}
std::string number_key(std::string_view name, uint32_t value) { return text_of(name) + raw(GgufType::u32) + raw(value); }

std::string file_of(const std::string& keys, uint64_t count) {
  return std::string("GGUF") + raw(uint32_t{3}) + raw(uint64_t{9}) + raw(count) + keys;
}

const std::string kKeys = text_key("general.architecture", "llama") + number_key("llama.block_count", 16) +
                          number_key("llama.huge", 0x80000000U) + text_key("llama.name", "x");

GgufHead head_of(const std::string& bytes) { return GgufHead::read(bytes_of_text(bytes), "x.gguf"); }

TEST(GgufHead, TellsTheArchitectureAndItsNumbers) {
  const GgufHead head = head_of(file_of(kKeys, 4));
  EXPECT_EQ(head.architecture(), "llama");
  EXPECT_EQ(head.number("block_count"), 16);
  EXPECT_EQ(head.number("none"), std::nullopt);
  EXPECT_EQ(head.number("huge"), std::nullopt);
  EXPECT_EQ(head.number("name"), std::nullopt);
  EXPECT_EQ(head_of(file_of("", 0)).architecture(), "");
}

TEST(GgufHead, EndsWhereTheTokenizerBegins) {
  const std::string tokenizer = text_of("tokenizer.ggml.tokens") + raw(GgufType::array) + "cut off";
  EXPECT_EQ(head_of(file_of(kKeys + tokenizer, 6)).number("block_count"), 16);
}

TEST(GgufHead, AFilesFirstBytesMayEndAnywhere) {
  std::string keys = kKeys;
  for (int i = 0; i < 40; ++i) keys += text_key("general.long" + std::to_string(i), std::string(30'000, 'x'));
  const std::string file = file_of(keys, 100);
  ASSERT_GT(file.size(), GgufHead::kBytes);
  EXPECT_EQ(head_of(file.substr(0, GgufHead::kBytes)).number("block_count"), 16);
}

TEST(GgufHead, EveryTruncatedPrefixOfASmallFileIsRefused) {
  const std::string whole = file_of(kKeys, 4);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    expect_error([&] { (void)head_of(whole.substr(0, size)); }, ErrorKind::invalid_data, "x.gguf", std::to_string(size));
  }
}

TEST(GgufHead, OtherFilesAreRefused) {
  std::string other = file_of(kKeys, 4);
  other[4] = 4;
  expect_error([&] { (void)head_of(other); }, ErrorKind::invalid_data, "GGUF version is 4", "version");
  expect_error([&] { (void)head_of("<!doctype html>"); }, ErrorKind::invalid_data, "is no GGUF file", "magic");
  expect_error([&] { (void)head_of(file_of(kKeys, uint64_t{1} << 62U)); }, ErrorKind::invalid_data, "metadata count", "count");
}

}  // namespace
}  // namespace ifm
