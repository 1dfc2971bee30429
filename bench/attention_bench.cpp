// Times attention alone over a cache of all layers, beside the read bandwidth of the same threads. Prints one line per depth and
// number of tokens: one token is a decode step, more are a piece of a prompt.

#include <time.h>

#include <algorithm>
#include <cstdio>
#include <limits>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "inferometer/base/error.h"
#include "inferometer/kernel/kernels.h"
#include "inferometer/kernel/limits.h"
#include "inferometer/kernel/test_matrix.h"
#include "inferometer/kernel/thread_pool.h"
#include "inferometer/model/attention.h"
#include "inferometer/model/kv_cache.h"

namespace ifm {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

int64_t now_ns(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return now.tv_sec * kSecond + now.tv_nsec;
}

struct Options {
  std::string isa;
  int threads = 1;
  int64_t heads = 32, kv_heads = 8, head_dim = 64, layers = 16;
  std::vector<int64_t> depths{0};
  std::vector<int64_t> tokens{512};
  int rounds = 5;
};

void fill(KvSequence& sequence, const Options& options, int64_t count) {
  sequence.reserve(count);
  const std::vector<float> kv = make_test_activations(2 * count * options.head_dim, options.head_dim, 0, 7);
  std::vector<uint16_t> halves(kv.size());
  kernels_for(options.isa).to_f16(kv.data(), static_cast<int64_t>(kv.size()), halves.data());
  for (int64_t p = 0; p < count; ++p) {
    const uint16_t* key = halves.data() + 2 * p * options.head_dim;
    for (int64_t l = 0; l < options.layers; ++l) {
      for (int64_t h = 0; h < options.kv_heads; ++h) sequence.write(l, h, p, key, key + options.head_dim);
    }
  }
}

void time_attention(const Options& options, ThreadPool& pool, int64_t depth, int64_t n) {
  ModelConfig config;
  config.layers = options.layers;
  config.heads = options.heads;
  config.kv_heads = options.kv_heads;
  config.head_dim = options.head_dim;
  KvPool pages(config, pages_for(depth + n));
  KvSequence sequence(pages, depth + n);
  fill(sequence, options, depth + n);
  sequence.advance(depth);
  const int64_t width = options.heads * options.head_dim;
  const std::vector<float> q = make_test_activations(n * width, options.head_dim, 0, 3);
  std::vector<float> out(q.size());
  Attention attention(config, kernels_for(options.isa), pool);
  attention.plan(std::vector<BatchPiece>{{&sequence, depth, 0, n}}, n == 1 ? Phase::decode : Phase::prefill);
  int64_t wall = std::numeric_limits<int64_t>::max();
  int64_t cpu = std::numeric_limits<int64_t>::max();
  const auto nothing = [](const BatchPiece&, int64_t, int64_t, int64_t) {};
  for (int round = 0; round <= options.rounds; ++round) {
    const int64_t wall_begin = now_ns(CLOCK_MONOTONIC);
    const int64_t cpu_begin = now_ns(CLOCK_THREAD_CPUTIME_ID);
    for (int64_t layer = 0; layer < options.layers; ++layer) attention.run(layer, q.data(), out.data(), nothing);
    cpu = std::min(cpu, now_ns(CLOCK_THREAD_CPUTIME_ID) - cpu_begin);
    wall = std::min(wall, now_ns(CLOCK_MONOTONIC) - wall_begin);
  }
  const auto pairs = static_cast<double>(n * depth + n * (n + 1) / 2);
  const double macs = 2 * pairs * static_cast<double>(width * options.layers);
  const auto bytes = static_cast<double>((depth + n) * cache_bytes_per_position(config));
  const double gb_per_s = n > 1 ? 0 : measure_read_gb_per_s(options.threads, static_cast<int64_t>(bytes), kSecond / 2);
  fmt::print("{} tokens at depth {}: {:.3f} ms ({:.3f} ms of the first thread), {:.1f} GMAC/s", n, depth,
             static_cast<double>(wall) / 1e6, static_cast<double>(cpu) / 1e6, macs / static_cast<double>(cpu));
  if (n == 1) fmt::print(", {:.1f} GB/s of {:.1f}", bytes / static_cast<double>(cpu), gb_per_s);
  fmt::print("\n");
  std::fflush(stdout);
}

void run(const Options& options) {
  ThreadPool pool(options.threads);
  for (const int64_t depth : options.depths) {
    for (const int64_t n : options.tokens) time_attention(options, pool, depth, n);
  }
}

}  // namespace
}  // namespace ifm

int main(int argc, char** argv) {
  ifm::Options options;
  CLI::App app("Times attention of one kernel set over a cache of all layers");
  app.add_option("--isa", options.isa, "kernel set (default: the best here)");
  app.add_option("-t,--threads", options.threads, "threads");
  app.add_option("--heads", options.heads, "query heads");
  app.add_option("--kv-heads", options.kv_heads, "KV heads");
  app.add_option("--head-dim", options.head_dim, "numbers of a head");
  app.add_option("--layers", options.layers, "layers");
  app.add_option("-d,--depths", options.depths, "positions before the tokens")->delimiter(',');
  app.add_option("-n,--tokens", options.tokens, "tokens; one is a decode step")->delimiter(',');
  app.add_option("-r,--rounds", options.rounds, "rounds; the best counts");
  CLI11_PARSE(app, argc, argv);
  try {
    ifm::run(options);
  } catch (const ifm::Error& error) {
    fmt::print(stderr, "attention-bench: {}\n", error.message());
    return 2;
  }
  return 0;
}
