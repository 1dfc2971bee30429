// The tiny random Llama of tools/peers/make_tiny_llama.py (GQA, llama3 RoPE scaling, tied head, 4-bit groups of 64) against the
// logits of mlx-lm; version and hashes: tests/golden/parity/tiny_llama.json.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <vector>

#include <gtest/gtest.h>

#include "inferometer/engine/engine.h"
#include "tests/model/test_models.h"
#include "tests/model/topk_golden.h"

namespace ifm::test {
namespace {

struct LogitsGolden {
  std::vector<TokenId> ids;
  std::vector<float> logits;  // (ids, vocab)
  std::size_t vocab = 0;
  float largest = 0;  // of the absolute values

  static LogitsGolden open() {
    GoldenReader reader(golden_folder() / "tiny_llama_logits.bin", "IFMLOGIT");
    const auto head = reader.column<uint32_t>(2);
    LogitsGolden golden;
    golden.vocab = head[1];
    const auto ids = reader.column<uint16_t>(head[0]);
    golden.ids.assign(ids.begin(), ids.end());
    golden.logits = reader.column<float>(std::size_t{head[0]} * head[1]);
    for (const float z : golden.logits) golden.largest = std::max(golden.largest, std::abs(z));
    return golden;
  }
};

/// n * eps * magnitude. n: the roundings on the longest way from an id to a logit, one per term of each sum: in each of 2 layers
/// q (128), scores (32), softmax and values (2 x 96), o (128), gate (128), down (256) and two norms (2 x 128), then the last norm
/// and the head (2 x 128). eps: 2^-24. The norms keep an error relative, so the magnitude is the largest logit's. mlx errs as
/// much: twice.
float bound_of_f32(const LogitsGolden& golden) {
  constexpr float kRoundings = 2 * (128 + 32 + 2 * 96 + 128 + 128 + 256 + 2 * 128) + 2 * 128;
  return 2 * kRoundings * 0x1p-24F * golden.largest;
}

/// Keys and values are kept as f16 (eps 2^-11). A score's error moves every weight of the softmax by at most twice its size, and
/// it is averaged over the terms of the sum: eps * magnitude, for keys and for values, in each of 2 layers.
float bound_of_f16_cache(const LogitsGolden& golden) { return 2 * 2 * 0x1p-11F * golden.largest; }

float largest_difference(const LogitsGolden& golden, std::size_t position, std::span<const float> logits) {
  float largest = 0;
  for (std::size_t i = 0; i < golden.vocab; ++i) {
    largest = std::max(largest, std::abs(logits[i] - golden.logits[position * golden.vocab + i]));
  }
  return largest;
}

class TinyLlama : public testing::TestWithParam<const char*> {
 protected:
  [[nodiscard]] static LoadedModel load(Accuracy accuracy) {
    EngineOptions options = options_with(accuracy);
    options.isa = GetParam();
    return LoadedModel(golden_folder() / "tiny-llama", options);
  }
};

TEST_P(TinyLlama, ExactLogitsAreMlxs) {
  const LogitsGolden golden = LogitsGolden::open();
  const LoadedModel loaded = load(Accuracy::exact);
  ASSERT_EQ(static_cast<std::size_t>(loaded.evaluator().vocab()), golden.vocab);
  float largest = 0;
  loaded.evaluator().score(golden.ids, [&](int i, std::span<const float> logits) {
    largest = std::max(largest, largest_difference(golden, static_cast<std::size_t>(i), logits));
  });
  RecordProperty("largest_difference", std::to_string(largest));
  std::printf("largest difference of a logit %.2g (bound %.2g)\n", static_cast<double>(largest),
              static_cast<double>(bound_of_f32(golden) + bound_of_f16_cache(golden)));
  EXPECT_LE(largest, bound_of_f32(golden) + bound_of_f16_cache(golden));
}

TEST_P(TinyLlama, ExactDecodeLogitsAreMlxs) {
  const LogitsGolden golden = LogitsGolden::open();
  const LoadedModel loaded = load(Accuracy::exact);
  float largest = 0;
  for (std::size_t i = 0; i < golden.ids.size(); ++i) {
    loaded.evaluator().step(golden.ids[i]);
    largest = std::max(largest, largest_difference(golden, i, loaded.evaluator().logits()));
  }
  std::printf("largest difference of a logit %.2g (bound %.2g)\n", static_cast<double>(largest),
              static_cast<double>(bound_of_f32(golden) + bound_of_f16_cache(golden)));
  EXPECT_LE(largest, bound_of_f32(golden) + bound_of_f16_cache(golden));
}

TEST_P(TinyLlama, PrefillInPartsIsPrefillInOneGo) {
  const LogitsGolden golden = LogitsGolden::open();
  const LoadedModel loaded = load(Accuracy::exact);
  const std::span<const TokenId> ids(golden.ids);
  std::size_t begin = 0;
  for (const std::size_t length : {1u, 30u, 2u, 63u}) {
    loaded.evaluator().prefill(ids.subspan(begin, length));
    begin += length;
    const float bound = bound_of_f32(golden) + bound_of_f16_cache(golden);
    EXPECT_LE(largest_difference(golden, begin - 1, loaded.evaluator().logits()), bound) << begin;
  }
  EXPECT_EQ(begin, ids.size());
}

INSTANTIATE_TEST_SUITE_P(Isas, TinyLlama, testing::Values("reference", ""),
                         [](const auto& parameter) { return std::string(*parameter.param == '\0' ? "best" : parameter.param); });

}  // namespace
}  // namespace ifm::test
