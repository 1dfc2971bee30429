#include "inferometer/hub/hub_estimate.h"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "inferometer/format/gguf_value.h"
#include "inferometer/format/test_files.h"

namespace ifm {
namespace {

ModelConfig llama_1b() {
  ModelConfig config;
  config.hidden = 2048;
  config.layers = 16;
  config.heads = 32;
  config.kv_heads = 8;
  config.head_dim = 64;
  config.intermediate = 8192;
  config.vocab = 128256;
  config.context = 131072;
  config.tied_head = true;
  return config;
}

// Llama-3.2-1B has 1,235,814,400 weights, of which 33 norms of 2048 are not counted here (its model card; 2 bytes each in BF16).
constexpr int64_t kProducts = 1'235'814'400 - 33 * 2048;

TEST(HubEstimate, ATiedTableIsReadWhole) {
  const HubEstimate estimate = estimate_needs(llama_1b(), 2 * kProducts);
  EXPECT_EQ(estimate.bytes_per_token, 2 * kProducts);
  EXPECT_EQ(estimate.context, 4096);
  EXPECT_EQ(estimate.memory_bytes, 2 * kProducts + int64_t{2} * 16 * 8 * 64 * 2 * 4096);
}

TEST(HubEstimate, ATableBesideASeparateHeadIsNot) {
  ModelConfig config = llama_1b();
  config.tied_head = false;
  config.context = 1000;
  const int64_t table = int64_t{2048} * 128256;
  const HubEstimate estimate = estimate_needs(config, 2 * (kProducts + table));
  EXPECT_NEAR(static_cast<double>(estimate.bytes_per_token), 2.0 * kProducts, 1);
  EXPECT_EQ(estimate.context, 1000);
}

/// A GGUF's first bytes with these numbers of "llama.".
GgufHead head_with(const std::vector<std::pair<std::string, uint32_t>>& numbers) {
  const auto add_text = [](std::string& out, const std::string& text) { out += test::raw(uint64_t{text.size()}) + text; };
  std::string bytes = "GGUF" + test::raw(uint32_t{3}) + test::raw(uint64_t{0}) + test::raw(uint64_t{numbers.size() + 1});
  add_text(bytes, "general.architecture");
  bytes += test::raw(GgufType::string);
  add_text(bytes, "llama");
  for (const auto& [key, value] : numbers) {
    add_text(bytes, "llama." + key);
    bytes += test::raw(GgufType::u32) + test::raw(value);
  }
  return GgufHead::read(test::bytes_of_text(bytes), "x.gguf");
}

TEST(HubEstimate, AGgufIsReadWhole) {
  const auto estimate = estimate_needs(head_with({{"block_count", 16},
                                                  {"embedding_length", 2048},
                                                  {"attention.head_count", 32},
                                                  {"attention.head_count_kv", 8},
                                                  {"context_length", 131072}}),
                                       800'000'000);
  ASSERT_TRUE(estimate);
  EXPECT_EQ(estimate->bytes_per_token, 800'000'000);
  EXPECT_EQ(estimate->memory_bytes, 800'000'000 + int64_t{2} * 16 * 8 * 64 * 2 * 4096);
}

TEST(HubEstimate, AGgufThatSaysTooLittleHasNone) {
  EXPECT_EQ(estimate_needs(head_with({{"block_count", 16}}), 1), std::nullopt);
  EXPECT_EQ(estimate_needs(head_with({{"block_count", 0x7fffffff},
                                      {"embedding_length", 2048},
                                      {"attention.head_count", 32},
                                      {"context_length", 131072}}),
                           1),
            std::nullopt);
}

}  // namespace
}  // namespace ifm
