#include "inferometer/hub/gguf_mix.h"

#include <filesystem>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "inferometer/base/test_folder.h"
#include "inferometer/format/gguf.h"
#include "inferometer/hub/synth.h"
#include "inferometer/hub/test_weights.h"

namespace ifm {
namespace {

namespace fs = std::filesystem;

/// The layers in which ffn_down is finer.
std::set<int64_t> finer_layers(int64_t layers) {
  const GgufMix& mix = *find_gguf_mix("q4_k_m");
  std::set<int64_t> found;
  for (int64_t i = 0; i < layers; ++i) {
    const DType down = type_of(mix, "blk.0.ffn_down.weight", i, layers);
    EXPECT_EQ(type_of(mix, "blk.0.attn_v.weight", i, layers), down);
    EXPECT_EQ(type_of(mix, "blk.0.attn_q.weight", i, layers), DType::q4_k);
    EXPECT_EQ(type_of(mix, "blk.0.ffn_up.weight", i, layers), DType::q4_k);
    if (down == DType::q6_k) found.insert(i);
  }
  return found;
}

// What llama-quantize of llama.cpp 0.7.0 wrote for models of 16 and of 30 layers.
TEST(GgufMix, Q4KMIsLlamaCpps) {
  EXPECT_EQ(finer_layers(16), (std::set<int64_t>{0, 1, 4, 7, 10, 13, 14, 15}));
  EXPECT_EQ(finer_layers(30), (std::set<int64_t>{0, 1, 2, 5, 8, 11, 14, 17, 20, 23, 26, 27, 28, 29}));
  EXPECT_EQ(type_of(*find_gguf_mix("q4_k_m"), "token_embd.weight", std::nullopt, 16), DType::q6_k);
  EXPECT_EQ(find_gguf_mix("q9_k"), nullptr);
}

class EveryMix : public ::testing::TestWithParam<GgufMix> {};

TEST_P(EveryMix, HoldsTheSameSyntheticWeightsAsTheMlxFolder) {
  const test::TempFolder folder;
  const fs::path& root = folder.path();
  const Say silent = [](std::string_view) {};
  synthesize("tiny-llama", {.format = SynthFormat::gguf, .type = std::string(GetParam().name)}, root / "m.gguf", silent);
  synthesize("tiny-llama", {}, root / "mlx", silent);
  const Checkpoint gguf = Checkpoint::open(root / "m.gguf");
  expect_same_weights(gguf, Checkpoint::open(root / "mlx"));
  EXPECT_EQ(gguf.gguf()->find("blk.1.ffn_up.weight")->dtype, GetParam().type);
  EXPECT_EQ(gguf.gguf()->find("token_embd.weight")->dtype, GetParam().finer);
}

INSTANTIATE_TEST_SUITE_P(All, EveryMix, ::testing::ValuesIn(gguf_mixes()),
                         [](const auto& instance) { return std::string(instance.param.name); });

}  // namespace
}  // namespace ifm
