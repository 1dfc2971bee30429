// The engine mlx's logits, and what it refuses to load.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <mlx/ops.h>
#include <mlx/transforms.h>

#include "inferometer/engine/mlx.h"
#include "inferometer/engine/mlx_call.h"
#include "inferometer/engine/mlx_llama.h"
#include "inferometer/hub/synth.h"
#include "tests/engine/tiny_folders.h"
#include "tests/model/topk_golden.h"

namespace ifm::test {
namespace {

EngineOptions mlx_options(int context = 0) {
  EngineOptions options;
  options.kind = "mlx";
  options.context = context;
  return options;
}

/// Positions of a text, (vocab) each.
using AllLogits = std::vector<std::vector<float>>;

AllLogits score(Evaluator& evaluator, std::span<const TokenId> ids) {
  AllLogits all;
  evaluator.reset();
  evaluator.score(ids, [&](int index, std::span<const float> logits) {
    EXPECT_EQ(static_cast<std::size_t>(index), all.size());
    all.emplace_back(logits.begin(), logits.end());
  });
  return all;
}

std::vector<TokenId> some_ids(std::size_t count, int vocab) {
  std::vector<TokenId> ids(count);
  for (std::size_t i = 0; i < count; ++i)
    ids[i] = static_cast<TokenId>((7 + 37 * i + i * i / 3) % static_cast<std::size_t>(vocab));
  return ids;
}

float largest_of(const AllLogits& all) {
  float largest = 0;
  for (const auto& logits : all) {
    for (const float z : logits) largest = std::max(largest, std::abs(z));
  }
  return largest;
}

float difference(std::span<const float> a, std::span<const float> b) {
  EXPECT_EQ(a.size(), b.size());
  float largest = 0;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
  return largest;
}

/// n * eps * magnitude, as tests/model/tiny_llama_test.cpp derives it for the same shapes; n: roundings on the longest way from
/// an id to a logit, twice because both sides err.
float bound_of_f32(std::size_t positions, float magnitude) {
  const float roundings = 2 * (128 + 32 + 2 * static_cast<float>(positions) + 128 + 128 + 256 + 2 * 128) + 2 * 128;
  return 2 * roundings * 0x1p-24F * magnitude;
}

/// The embedded engine keeps keys and values as f16: eps * magnitude for each, in 2 layers.
float bound_of_f16_cache(float magnitude) { return 2 * 2 * 0x1p-11F * magnitude; }

double kl(std::span<const float> p, std::span<const float> q) {
  const auto log_sum = [](std::span<const float> z) {
    double sum = 0;
    for (const float value : z) sum += std::exp(static_cast<double>(value));
    return std::log(sum);
  };
  const double lp = log_sum(p), lq = log_sum(q);
  double sum = 0;
  for (std::size_t i = 0; i < p.size(); ++i) {
    const double log_p = static_cast<double>(p[i]) - lp;
    sum += std::exp(log_p) * (log_p - (static_cast<double>(q[i]) - lq));
  }
  return sum;
}

/// Every position's logits within the bound; the same top token wherever the bound lets no other win; KL <= 1e-3.
void expect_embeddeds(const std::filesystem::path& folder) {
  const LoadedModel mlx(folder, mlx_options());
  const LoadedModel embedded(folder, options_with(Accuracy::exact));
  const auto ids = some_ids(300, mlx.evaluator().vocab());  // past a step of the cache
  const AllLogits ours = score(mlx.evaluator(), ids);
  const AllLogits theirs = score(embedded.evaluator(), ids);
  ASSERT_EQ(ours.size(), ids.size());
  ASSERT_EQ(theirs.size(), ids.size());
  const float magnitude = largest_of(theirs);
  const float bound = bound_of_f32(ids.size(), magnitude) + bound_of_f16_cache(magnitude);
  float largest = 0;
  double largest_kl = 0;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    largest = std::max(largest, difference(ours[i], theirs[i]));
    largest_kl = std::max(largest_kl, kl(theirs[i], ours[i]));
    const auto top = std::ranges::max_element(ours[i]) - ours[i].begin();
    EXPECT_GE(theirs[i][static_cast<std::size_t>(top)], std::ranges::max(theirs[i]) - 2 * bound) << i;
  }
  std::printf("largest difference of a logit %.2g (bound %.2g), largest KL %.2g\n", static_cast<double>(largest),
              static_cast<double>(bound), largest_kl);
  EXPECT_LE(largest, bound);
  EXPECT_LE(largest_kl, 1e-3);
}

TEST(MlxLogits, AreTheEmbeddedEnginesExactOnes) { expect_embeddeds(tiny_llama()); }

TEST(MlxLogits, AreTheEmbeddedEnginesExactOnesWithPlainAnd8BitLayersAndAnOwnHead) {
  const TempFolder folder;
  write_mixed(folder.path());
  expect_embeddeds(folder.path());
}

// The golden is mlx-lm's, f32 activations: the same operations, so that only the order of sums may differ.
TEST(MlxLogits, AreMlxLms) {
  GoldenReader reader(golden_folder() / "tiny_llama_logits.bin", "IFMLOGIT");
  const auto head = reader.column<uint32_t>(2);
  const auto read = reader.column<uint16_t>(head[0]);
  const auto expected = reader.column<float>(std::size_t{head[0]} * head[1]);
  const LoadedModel mlx(tiny_llama(), mlx_options());
  const AllLogits ours = score(mlx.evaluator(), std::vector<TokenId>(read.begin(), read.end()));
  ASSERT_EQ(ours.size(), read.size());
  const float bound = bound_of_f32(read.size(), largest_of(ours));
  for (std::size_t i = 0; i < ours.size(); ++i) {
    EXPECT_LE(difference(ours[i], std::span(expected).subspan(i * head[1], head[1])), bound) << i;
  }
}

TEST(MlxLogits, AreTheSameInPartsInStepsAndAfterTruncating) {
  const LoadedModel mlx(tiny_llama(), mlx_options());
  Evaluator& evaluator = mlx.evaluator();
  const auto ids = some_ids(300, evaluator.vocab());
  const AllLogits expected = score(evaluator, ids);
  const float bound = bound_of_f32(ids.size(), largest_of(expected));
  evaluator.reset();
  EXPECT_EQ(evaluator.position(), 0);
  std::size_t at = 0;
  for (const std::size_t length : {1U, 200U, 2U, 60U, 30U}) {
    evaluator.prefill(std::span(ids).subspan(at, length));
    at += length;
    EXPECT_EQ(evaluator.position(), static_cast<int>(at));
    EXPECT_LE(difference(evaluator.logits(), expected[at - 1]), bound) << at;
  }
  evaluator.truncate(250);
  EXPECT_EQ(evaluator.position(), 250);
  for (at = 250; at < ids.size(); ++at) {
    evaluator.step(ids[at]);
    EXPECT_LE(difference(evaluator.logits(), expected[at]), bound) << at;
  }
}

TEST(MlxLogits, AreTheSameInChunks) {
  namespace mx = mlx::core;
  const Checkpoint checkpoint = Checkpoint::open(tiny_llama());
  const auto ids = some_ids(100, static_cast<int>(checkpoint.config().vocab));
  const auto last_logits = [&](const MlxTuning& tuning) {
    return on_stream(mx::new_thread_unsafe_stream(mx::Device::cpu), [&] {
      const MlxLlama llama(checkpoint, tuning);
      MlxCache cache(static_cast<std::size_t>(checkpoint.config().layers));
      const mx::array logits = llama.prefill(ids, cache);
      mx::eval(logits);
      return std::vector<float>(logits.data<float>(), logits.data<float>() + logits.size());
    });
  };
  const std::vector<float> whole = last_logits({.chunk = 512});
  const float magnitude = largest_of({whole});
  for (const int chunk : {1, 33, 99, 100}) {
    EXPECT_LE(difference(last_logits({.chunk = chunk}), whole), bound_of_f32(ids.size(), magnitude)) << chunk;
  }
  // What a GPU computes in. bf16 rounds by 2^-9 where f32 rounds by 2^-24, up and down alike: the root of the number of
  // roundings.
  const std::vector<float> in_bf16 = last_logits({.activations = MlxActivations::of_folder});
  EXPECT_GT(difference(in_bf16, whole), 0);
  EXPECT_LE(difference(in_bf16, whole), std::sqrt(bound_of_f32(ids.size(), 1) * 0x1p24F) * 0x1p-9F * magnitude);
}

TEST(MlxCache, GrowsInStepsAndStartsAfreshWhenEmptied) {
  namespace mx = mlx::core;
  on_stream(mx::new_thread_unsafe_stream(mx::Device::cpu), [] {
    MlxCache cache(1);
    EXPECT_TRUE(cache.arrays().empty());
    const auto append = [&](int positions, float value) {
      const mx::array added = mx::full({1, 2, positions, 4}, value);
      const MlxCache::Pair all = cache.append(0, {added, added * mx::array(-1.0F)});
      cache.advance(positions);
      return all;
    };
    EXPECT_EQ(append(3, 1).keys.shape(), (mx::Shape{1, 2, 3, 4}));
    EXPECT_EQ(cache.arrays().front().shape(), (mx::Shape{1, 2, 256, 4}));
    EXPECT_EQ(append(253, 2).keys.shape(2), 256);
    EXPECT_EQ(cache.arrays().front().shape(2), 256);
    const MlxCache::Pair all = append(300, 3);
    EXPECT_EQ(cache.arrays().front().shape(2), 768);
    EXPECT_EQ(mx::sum(all.keys).item<float>(), 2 * 4 * (3 * 1 + 253 * 2 + 300 * 3));
    EXPECT_EQ(mx::sum(all.values).item<float>(), -2 * 4 * (3 * 1 + 253 * 2 + 300 * 3));
    cache.truncate(5);
    EXPECT_EQ(cache.size(), 5);
    EXPECT_EQ(mx::sum(append(1, 9).keys).item<float>(), 2 * 4 * (3 * 1 + 2 * 2 + 9));
    cache.truncate(0);
    EXPECT_TRUE(cache.arrays().empty());
  });
}

TEST(MlxEvaluator, RefusesWhatDoesNotFit) {
  const LoadedModel mlx(tiny_llama(), mlx_options(16));
  Evaluator& evaluator = mlx.evaluator();
  evaluator.prefill(some_ids(16, evaluator.vocab()));
  expect_error([&] { evaluator.step(1); }, ErrorKind::resource, "do not fit the context of 16 tokens", "step");
  evaluator.reset();
  expect_error([&] { evaluator.prefill({}); }, ErrorKind::usage, "no ids", "nothing");
  expect_error([&] { evaluator.step(evaluator.vocab()); }, ErrorKind::usage, "not in the vocabulary", "id");
}

TEST(MlxEngine, MayBeUsedFromAnotherThreadThanItsLoaders) {
  std::unique_ptr<LoadedModel> mlx;
  std::thread([&] { mlx = std::make_unique<LoadedModel>(tiny_llama(), mlx_options()); }).join();
  const auto ids = some_ids(20, mlx->evaluator().vocab());
  AllLogits first, second;
  std::thread([&] { first = score(mlx->evaluator(), ids); }).join();
  second = score(mlx->evaluator(), ids);
  EXPECT_EQ(first, second);
}

TEST(MlxEngine, SaysWhatItIs) {
  const EngineStatus status = mlx_status();
  EXPECT_TRUE(status.available);
  EXPECT_FALSE(status.version.empty());
  EXPECT_TRUE(status.device.starts_with("cpu") || status.device.starts_with("gpu")) << status.device;
  const LoadedModel mlx(tiny_llama(), mlx_options());
  const ModelInfo& info = mlx.model->info();
  EXPECT_EQ(info.architecture, "llama");
  EXPECT_EQ(info.context, 512);
  EXPECT_EQ(info.quantization, "4-bit affine, group 64");
  if (status.device.starts_with("cpu")) {
    EXPECT_EQ(info.accuracy, "f32 activations");
    EXPECT_EQ(*info.cache_bytes_per_position, 2 * 2 * 2 * 32 * 4);  // layers, k and v, kv heads, head_dim, f32
  }
}

TEST(MlxEngine, RefusesInOneLine) {
  SteadyClock clock;
  const TempFolder folder;
  const auto gguf = folder.path() / "tiny.gguf";
  synthesize("tiny-llama", {.format = SynthFormat::gguf}, gguf, [](std::string_view) {});
  const auto engine = make_mlx_engine(mlx_options(), clock);
  expect_error([&] { (void)engine->load(gguf, "m"); }, ErrorKind::unsupported, "GGUF", "gguf");
  expect_error([&] { (void)engine->load(folder.path() / "none", "m"); }, ErrorKind::not_found, "none", "absent");
  const auto refuse = [&](const std::function<void(EngineOptions&)>& set, ErrorKind kind, const std::string& part) {
    EngineOptions options = mlx_options();
    set(options);
    expect_error([&] { (void)make_mlx_engine(options, clock)->load(tiny_llama(), "m"); }, kind, part, part);
  };
  refuse([](EngineOptions& o) { o.threads = 2; }, ErrorKind::unsupported, "threads");
  refuse([](EngineOptions& o) { o.isa = "avx2"; }, ErrorKind::unsupported, "isa");
  refuse([](EngineOptions& o) { o.speculation = Speculation::lookup; }, ErrorKind::unsupported, "speculate");
  refuse([](EngineOptions& o) { o.device = "tpu"; }, ErrorKind::usage, "tpu");
  refuse([](EngineOptions& o) { o.context = 513; }, ErrorKind::usage, "513");
  if (mlx_status().device.starts_with("cpu")) {
    refuse([](EngineOptions& o) { o.device = "gpu"; }, ErrorKind::unsupported, "gpu");
  }
}

}  // namespace
}  // namespace ifm::test
