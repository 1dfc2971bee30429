#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "inferometer/base/error.h"
#include "inferometer/base/test_folder.h"
#include "inferometer/format/gguf.h"
#include "inferometer/format/gguf_writer.h"
#include "inferometer/text/tokenizer.h"

namespace ifm {
namespace {

using Type = GgufEntry::Type;

/// A GGUF file that holds a tokenizer of one letter a token, and no tensors.
class GgufTokenizer : public testing::Test {
 protected:
  void SetUp() override {
    metadata_ = {{"tokenizer.ggml.model", Type::text, std::string("gpt2")},
                 {"tokenizer.ggml.pre", Type::text, std::string("smollm")},
                 {"tokenizer.ggml.tokens", Type::texts, std::vector<std::string>{"a", "b", "ab", "<end>"}},
                 {"tokenizer.ggml.token_type", Type::i32s, std::vector<int64_t>{1, 1, 1, 3}},
                 {"tokenizer.ggml.merges", Type::texts, std::vector<std::string>{"a b"}}};
  }

  [[nodiscard]] Tokenizer load() const {
    const std::filesystem::path path = folder_.path() / "m.gguf";
    write_gguf(path, metadata_, {});
    return Tokenizer::from_gguf(GgufFile::open(path));
  }
  void set(const std::string& key, GgufValue value) {
    for (GgufEntry& entry : metadata_)
      if (entry.key == key) entry.value = std::move(value);
  }
  void remove(const std::string& key) {
    std::erase_if(metadata_, [&](const GgufEntry& entry) { return entry.key == key; });
  }
  void expect_refused(ErrorKind kind, const std::string& named) const {
    try {
      (void)load();
      FAIL() << "accepted: " << named;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), kind) << error.message();
      EXPECT_NE(error.message().find(named), std::string::npos) << error.message();
      EXPECT_NE(error.message().find("m.gguf"), std::string::npos) << error.message();
      EXPECT_EQ(error.message().find('\n'), std::string::npos) << error.message();
    }
  }

  test::TempFolder folder_;
  std::vector<GgufEntry> metadata_;
};

TEST_F(GgufTokenizer, IsRead) { EXPECT_EQ(load().encode("abba"), (std::vector<TokenId>{2, 1, 0})); }

TEST_F(GgufTokenizer, Fault53AnUnknownOrAbsentPreTokenizerIsNeverGuessed) {
  set("tokenizer.ggml.pre", std::string("deepseek-llm"));
  expect_refused(ErrorKind::unsupported, "tokenizer.ggml.pre \"deepseek-llm\" is not supported");
  set("tokenizer.ggml.pre", std::string("default"));
  expect_refused(ErrorKind::unsupported, "tokenizer.ggml.pre \"default\" is not supported");
  remove("tokenizer.ggml.pre");
  expect_refused(ErrorKind::unsupported, "tokenizer.ggml.pre is missing");
}

TEST_F(GgufTokenizer, Fault50ACharsmapBelongsToAModelThatIsRefusedWhateverItHolds) {
  metadata_.push_back({"tokenizer.ggml.precompiled_charsmap", Type::i32s, std::vector<int64_t>{1}});
  set("tokenizer.ggml.model", std::string("t5"));
  expect_refused(ErrorKind::unsupported, "tokenizer.ggml.model \"t5\" is not supported");
  set("tokenizer.ggml.model", std::string("gpt2"));
  EXPECT_EQ(load().encode("ab"), std::vector<TokenId>{2});  // nothing here reads it
}

TEST_F(GgufTokenizer, Fault29ByteTokensOfAnotherKindOfTokenizerAreRefused) {
  set("tokenizer.ggml.tokens", std::vector<std::string>{"a", "b", "ab", "<0xZZ>"});
  set("tokenizer.ggml.token_type", std::vector<int64_t>{1, 1, 1, 6});
  expect_refused(ErrorKind::unsupported, "token 3 (\"<0xZZ>\") has type 6");
  set("tokenizer.ggml.model", std::string("llama"));
  expect_refused(ErrorKind::unsupported, "tokenizer.ggml.model \"llama\" is not supported");
}

TEST_F(GgufTokenizer, Fault48TypesScoresAndMergesOfAnotherTypeAreRefused) {
  metadata_[3] = {"tokenizer.ggml.token_type", Type::text, std::string("1113")};
  expect_refused(ErrorKind::invalid_data, "\"tokenizer.ggml.token_type\" has another type");
}

TEST_F(GgufTokenizer, Fault27And28WhatDoesNotFitTogetherIsRefused) {
  set("tokenizer.ggml.token_type", std::vector<int64_t>{1, 1, 1});
  expect_refused(ErrorKind::invalid_data, "tokenizer.ggml.token_type has the wrong length (expected 4, got 3)");
  set("tokenizer.ggml.token_type", std::vector<int64_t>{1, 1, 1, 3});
  set("tokenizer.ggml.merges", std::vector<std::string>{"a c"});
  expect_refused(ErrorKind::invalid_data, "merge 0");
  set("tokenizer.ggml.merges", std::vector<std::string>{"ab"});
  expect_refused(ErrorKind::invalid_data, "merge 0 is not two tokens");
  set("tokenizer.ggml.merges", std::vector<std::string>{"a b"});
  metadata_.push_back({"tokenizer.ggml.bos_token_id", Type::u32, uint64_t{4}});
  expect_refused(ErrorKind::invalid_data, "tokenizer.ggml.bos_token_id is out of range (expected 0 to 3, got 4)");
}

}  // namespace
}  // namespace ifm
