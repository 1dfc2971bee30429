#include "inferometer/hub/synth.h"

#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <unordered_map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "inferometer/base/error.h"
#include "inferometer/base/sha256.h"
#include "inferometer/base/test_folder.h"
#include "inferometer/format/checkpoint.h"
#include "inferometer/hub/synth_tokenizer.h"
#include "inferometer/hub/synth_weights.h"
#include "inferometer/hub/tokenizer_json.h"
#include "inferometer/text/model_text.h"

namespace ifm {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

const Say kSilent = [](std::string_view) {};

class Synth : public ::testing::Test {
 protected:
  [[nodiscard]] static std::string error_of(const std::string& name, const SynthOptions& options, const fs::path& path) {
    try {
      synthesize(name, options, path, kSilent);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::usage);
      return error.message();
    }
    ADD_FAILURE() << "written";
    return "";
  }
  test::TempFolder folder_;
  fs::path root_ = folder_.path();
};

TEST_F(Synth, TheSameSeedGivesTheSameFiles) {
  for (const char* name : {"a", "b"}) synthesize("tiny-llama", {}, root_ / name, kSilent);
  synthesize("tiny-llama", {.seed = 2}, root_ / "c", kSilent);
  for (const char* file : {"model.safetensors", "tokenizer.json", "config.json"}) {
    EXPECT_EQ(sha256_of_file(root_ / "a" / file), sha256_of_file(root_ / "b" / file)) << file;
  }
  EXPECT_NE(sha256_of_file(root_ / "a" / "model.safetensors"), sha256_of_file(root_ / "c" / "model.safetensors"));
}

TEST_F(Synth, TheTinyModelIsWhatTestsRelyOn) {
  synthesize("tiny-llama", {}, root_ / "tiny", kSilent);
  const Checkpoint model = Checkpoint::open(root_ / "tiny");
  EXPECT_EQ(model.config().hidden, 256);
  EXPECT_EQ(model.config().heads, 8);
  EXPECT_EQ(model.config().kv_heads, 2);
  EXPECT_TRUE(model.config().tied_head);
  EXPECT_EQ(model.config().affine->group, 64);
  EXPECT_TRUE(model.config().rope.llama3.has_value());
  EXPECT_EQ(model.config().eos, (std::vector<TokenId>{503, 510, 511}));
  EXPECT_NE(model.vector("model.norm", 256), std::vector<float>(256, 1.0F));
  const ModelText text = ModelText::open(model);
  const std::vector<ChatMessage> chat{{"user", "Hi"}};
  const std::vector<TokenId> ids = text.encode_chat(chat).ids;
  EXPECT_EQ(std::count(ids.begin(), ids.end(), 502), 1);  // one BOS
  EXPECT_THAT(text.tokenizer.decode(ids), HasSubstr("<|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>"));
}

TEST_F(Synth, RefusesWhatItCannotMean) {
  EXPECT_THAT(error_of("gpt-5", {}, root_ / "x"), HasSubstr("expected llama-3.2-1b or tiny-llama"));
  const SynthOptions gguf{.format = SynthFormat::gguf};
  EXPECT_THAT(error_of("tiny-llama", gguf, root_ / "x"), HasSubstr("ends in .gguf"));
  EXPECT_THAT(error_of("tiny-llama", {.format = SynthFormat::gguf, .type = "q9"}, root_ / "x.gguf"), HasSubstr("q4_k_m"));
  std::ofstream(root_ / "x.gguf") << "mine";
  EXPECT_THAT(error_of("tiny-llama", gguf, root_ / "x.gguf"), HasSubstr("exists"));
  EXPECT_THAT(error_of("tiny-llama", {}, root_), HasSubstr("not empty"));
}

TEST(SynthMatrix, HasTheStandardDeviationThatWasAskedFor) {
  const SynthMatrix matrix(1, "x", 256, 1024, 0.05);
  std::vector<uint8_t> nibbles(512);
  std::vector<uint8_t> scales(16);
  double sum = 0;
  double squares = 0;
  for (int64_t row = 0; row < 256; ++row) {
    matrix.nibbles(row, nibbles);
    matrix.scales(row, scales);
    for (std::size_t i = 0; i < 1024; ++i) {
      const int q = i % 2 == 0 ? nibbles[i / 2] & 15 : nibbles[i / 2] >> 4;
      EXPECT_GT(q, 0);
      const double weight = static_cast<double>(matrix.unit()) * scales[i / 64] * (q - 8);
      sum += weight;
      squares += weight * weight;
    }
  }
  const double n = 256 * 1024;
  EXPECT_NEAR(sum / n, 0, 5 * 0.05 / std::sqrt(n));
  // Scales are uniform in 0.75..1.25 of their mean: E s^2 = 1 + 1/48. Five standard errors of a sample variance.
  EXPECT_NEAR(std::sqrt(squares / n) / 0.05, std::sqrt(1 + 1.0 / 48), 5 / std::sqrt(2 * n) + 0.01);
}

/// The rules that every byte-level BPE keeps: no token twice, each merge joins two tokens into a third.
void expect_valid(const TokenizerSpec& spec, std::size_t ordinary) {
  std::unordered_map<std::string, std::size_t> ids;
  for (std::size_t i = 0; i < spec.tokens.size(); ++i) EXPECT_TRUE(ids.emplace(spec.tokens[i], i).second) << spec.tokens[i];
  std::set<std::string> merges;
  std::set<std::size_t> made;
  for (const std::string& merge : spec.merges) {
    EXPECT_TRUE(merges.insert(merge).second) << merge;
    const std::size_t space = merge.find(' ');
    const auto left = ids.find(merge.substr(0, space));
    const auto right = ids.find(merge.substr(space + 1));
    const auto joined = ids.find(merge.substr(0, space) + merge.substr(space + 1));
    ASSERT_TRUE(left != ids.end() && right != ids.end() && joined != ids.end()) << merge;
    EXPECT_LT(left->second, joined->second);
    EXPECT_LT(right->second, joined->second);
    made.insert(joined->second);
  }
  EXPECT_EQ(made.size(), ordinary - 256);  // every token but the bytes can be made
}

// Sizes: tokenizer.json of Llama-3.2-1B-Instruct.
TEST(SynthTokenizer, HasTheSizeOfLlama3AndIsValid) {
  const TokenizerSpec spec = synth_tokenizer({128000, 256, 280147}, 1);
  EXPECT_EQ(spec.tokens.size(), 128256U);
  EXPECT_EQ(spec.merges.size(), 280147U);
  EXPECT_EQ(spec.tokens[0], "!");
  EXPECT_EQ(spec.tokens[128000], "<|begin_of_text|>");
  EXPECT_EQ(spec.tokens[128002], "<|reserved_special_token_0|>");
  EXPECT_EQ(spec.tokens[128005], "<|reserved_special_token_2|>");
  EXPECT_EQ(spec.tokens[128009], "<|eot_id|>");
  EXPECT_EQ(spec.tokens[128011], "<|reserved_special_token_3|>");
  EXPECT_EQ(spec.tokens[128255], "<|reserved_special_token_247|>");
  expect_valid(spec, 128000);
}

TEST(SynthTokenizer, TheTinyOneIsValid) { expect_valid(synth_tokenizer({502, 10, 246}, 1), 502); }

TEST(TokenizerJson, WritesMergesInBothForms) {
  const TokenizerSpec spec = synth_tokenizer({300, 10, 44}, 1);
  const auto strings = nlohmann::json::parse(tokenizer_json(spec, MergeForm::strings));
  const auto pairs = nlohmann::json::parse(tokenizer_json(spec, MergeForm::pairs));
  ASSERT_EQ(strings["model"]["merges"].size(), 44U);
  for (std::size_t i = 0; i < 44; ++i) {
    EXPECT_EQ(strings["model"]["merges"][i].get<std::string>(),
              pairs["model"]["merges"][i][0].get<std::string>() + " " + pairs["model"]["merges"][i][1].get<std::string>());
  }
  EXPECT_EQ(strings["model"]["vocab"].size(), 300U);
  EXPECT_EQ(strings["added_tokens"].size(), 10U);
  EXPECT_EQ(strings["added_tokens"][9]["id"], 309);
}

TEST(TokenizerJson, AddedTokensInsideTheVocabularyStandInBoth) {
  TokenizerSpec spec = synth_tokenizer({300, 10, 44}, 1);
  spec.kinds[3] = TokenKind::control;
  spec.kinds[4] = TokenKind::user_defined;
  spec.kinds[5] = TokenKind::unused;
  const auto json = nlohmann::json::parse(tokenizer_json(spec, MergeForm::strings));
  EXPECT_EQ(json["model"]["vocab"].size(), 299U);
  EXPECT_EQ(json["added_tokens"][0]["special"], true);
  EXPECT_EQ(json["added_tokens"][0]["id"], 3);
  EXPECT_EQ(json["added_tokens"][1]["special"], false);
}

class EveryPreTokenizer : public ::testing::TestWithParam<PreTokenizer> {};

TEST_P(EveryPreTokenizer, IsReadBackByOurOwnTokenizer) {
  TokenizerSpec spec = synth_tokenizer({600, 10, 344}, 1);
  spec.pre = GetParam();
  const test::TempFolder folder;
  const Tokenizer tokenizer = Tokenizer::from_file(folder.write("tokenizer.json", tokenizer_json(spec, MergeForm::strings)));
  const std::map<PreTokenizer, std::string> names{{PreTokenizer::smollm, "smollm"},
                                                  {PreTokenizer::llama3, "llama3"},
                                                  {PreTokenizer::gpt2, "gpt2"},
                                                  {PreTokenizer::qwen2, "qwen2"}};
  EXPECT_EQ(tokenizer.pre_tokenizer(), names.at(GetParam()));
  ASSERT_EQ(tokenizer.prefix().size(), 1U);
  EXPECT_EQ(tokenizer.prefix()[0], 600);
  const std::string text = "It's 12345 naïve\n\n  tests";
  EXPECT_EQ(tokenizer.decode(tokenizer.encode(text)), text);
}

INSTANTIATE_TEST_SUITE_P(All, EveryPreTokenizer,
                         ::testing::Values(PreTokenizer::smollm, PreTokenizer::llama3, PreTokenizer::gpt2, PreTokenizer::qwen2));

}  // namespace
}  // namespace ifm
