#include "inferometer/kernel/limits.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <vector>

#include "inferometer/base/clock.h"
#include "inferometer/kernel/thread_pool.h"
#include "inferometer/machine/cpu.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace ifm {
namespace {

/// Where read loops leave what they read, so that it is not optimized away.
std::atomic<uint64_t> sink{0};

#if defined(__x86_64__)

__attribute__((target("avx512f"))) void read_avx512(const std::byte* data, int64_t bytes) {
  __m512i sums[4] = {_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512()};
  for (int64_t i = 0; i + 256 <= bytes; i += 256) {
    for (int64_t j = 0; j < 4; ++j) sums[j] = _mm512_xor_si512(sums[j], _mm512_loadu_si512(data + i + 64 * j));
  }
  const __m512i all = _mm512_xor_si512(_mm512_xor_si512(sums[0], sums[1]), _mm512_xor_si512(sums[2], sums[3]));
  alignas(64) uint64_t lanes[8];
  _mm512_store_si512(lanes, all);
  for (const uint64_t lane : lanes) sink.fetch_xor(lane, std::memory_order_relaxed);
}

__attribute__((target("avx2"))) void read_avx2(const std::byte* data, int64_t bytes) {
  __m256i sums[8] = {};
  for (int64_t i = 0; i + 256 <= bytes; i += 256) {
    for (int64_t j = 0; j < 8; ++j) {
      sums[j] = _mm256_xor_si256(sums[j], _mm256_loadu_si256(reinterpret_cast<const __m256i*>(data + i + 32 * j)));
    }
  }
  __m256i all = sums[0];
  for (int64_t j = 1; j < 8; ++j) all = _mm256_xor_si256(all, sums[j]);
  sink.fetch_xor(static_cast<uint64_t>(_mm256_extract_epi64(all, 0) ^ _mm256_extract_epi64(all, 2)), std::memory_order_relaxed);
}

// The peak loops are assembly: compilers copy and spill accumulators of dot instructions, which halves what is measured.
/// 16 independent vpdpbusd zmm a round, 64 multiply-adds each.
__attribute__((target("avx512f,avx512vnni"))) int64_t dots_avx512_vnni(int64_t rounds) {
  asm volatile(
      "1:\n"
      "vpdpbusd %%zmm17, %%zmm16, %%zmm0\nvpdpbusd %%zmm17, %%zmm16, %%zmm1\nvpdpbusd %%zmm17, %%zmm16, %%zmm2\n"
      "vpdpbusd %%zmm17, %%zmm16, %%zmm3\nvpdpbusd %%zmm17, %%zmm16, %%zmm4\nvpdpbusd %%zmm17, %%zmm16, %%zmm5\n"
      "vpdpbusd %%zmm17, %%zmm16, %%zmm6\nvpdpbusd %%zmm17, %%zmm16, %%zmm7\nvpdpbusd %%zmm17, %%zmm16, %%zmm8\n"
      "vpdpbusd %%zmm17, %%zmm16, %%zmm9\nvpdpbusd %%zmm17, %%zmm16, %%zmm10\nvpdpbusd %%zmm17, %%zmm16, %%zmm11\n"
      "vpdpbusd %%zmm17, %%zmm16, %%zmm12\nvpdpbusd %%zmm17, %%zmm16, %%zmm13\nvpdpbusd %%zmm17, %%zmm16, %%zmm14\n"
      "vpdpbusd %%zmm17, %%zmm16, %%zmm15\n"
      "dec %0\njnz 1b\n"
      : "+r"(rounds)
      :
      : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13",
        "xmm14", "xmm15");
  return 16 * 64;
}

/// Without dot instructions: maddubs, madd with ones and an add make 32 multiply-adds.
__attribute__((target("avx2"))) int64_t dots_avx2(int64_t rounds) {
  asm volatile(
      "1:\n"
      "vpmaddubsw %%ymm13, %%ymm14, %%ymm6\nvpmaddubsw %%ymm13, %%ymm14, %%ymm7\nvpmaddubsw %%ymm13, %%ymm14, %%ymm8\n"
      "vpmaddubsw %%ymm13, %%ymm14, %%ymm9\nvpmaddubsw %%ymm13, %%ymm14, %%ymm10\nvpmaddubsw %%ymm13, %%ymm14, %%ymm11\n"
      "vpmaddwd %%ymm15, %%ymm6, %%ymm6\nvpmaddwd %%ymm15, %%ymm7, %%ymm7\nvpmaddwd %%ymm15, %%ymm8, %%ymm8\n"
      "vpmaddwd %%ymm15, %%ymm9, %%ymm9\nvpmaddwd %%ymm15, %%ymm10, %%ymm10\nvpmaddwd %%ymm15, %%ymm11, %%ymm11\n"
      "vpaddd %%ymm6, %%ymm0, %%ymm0\nvpaddd %%ymm7, %%ymm1, %%ymm1\nvpaddd %%ymm8, %%ymm2, %%ymm2\n"
      "vpaddd %%ymm9, %%ymm3, %%ymm3\nvpaddd %%ymm10, %%ymm4, %%ymm4\nvpaddd %%ymm11, %%ymm5, %%ymm5\n"
      "dec %0\njnz 1b\n"
      : "+r"(rounds)
      :
      : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11");
  return 6 * 32;
}

#elif defined(__aarch64__)

// As numbers, because assemblers accept these instructions only for processors that they were told of.
/// 16 independent `sdot vN.4s, v30.16b, v31.16b` a round, 16 multiply-adds each.
int64_t dots_neon_dotprod(int64_t rounds) {
  asm volatile(
      "1:\n"
      ".irp to,0,1,2,3,4,5,6,7,16,17,18,19,20,21,22,23\n.inst 0x4e9f97c0 + \\to\n.endr\n"
      "subs %0, %0, #1\nb.ne 1b\n"
      : "+r"(rounds)
      :
      : "cc", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23");
  return 16 * 16;
}

/// 16 independent `smmla vN.4s, v30.16b, v31.16b` a round, 32 multiply-adds each.
int64_t dots_neon_i8mm(int64_t rounds) {
  asm volatile(
      "1:\n"
      ".irp to,0,1,2,3,4,5,6,7,16,17,18,19,20,21,22,23\n.inst 0x4e9fa7c0 + \\to\n.endr\n"
      "subs %0, %0, #1\nb.ne 1b\n"
      : "+r"(rounds)
      :
      : "cc", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23");
  return 16 * 32;
}

#endif

/// Reads every byte once.
void read_all(const std::byte* data, int64_t bytes) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) return read_avx512(data, bytes);
  if (__builtin_cpu_supports("avx2")) return read_avx2(data, bytes);
#endif
  uint64_t sums[8] = {};
  const auto* words = reinterpret_cast<const uint64_t*>(data);
  for (int64_t i = 0; i + 8 <= bytes / 8; i += 8) {
    for (int64_t j = 0; j < 8; ++j) sums[j] ^= words[i + j];
  }
  for (const uint64_t sum : sums) sink.fetch_xor(sum, std::memory_order_relaxed);
}

/// Runs `rounds` rounds and returns the multiply-adds of one round.
int64_t run_dots(int64_t rounds) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512vnni")) return dots_avx512_vnni(rounds);
  if (__builtin_cpu_supports("avx2")) return dots_avx2(rounds);
#elif defined(__aarch64__)
  if (cpu_has({"dotprod", "i8mm"})) return dots_neon_i8mm(rounds);
  if (cpu_has({"dotprod"})) return dots_neon_dotprod(rounds);
#endif
  // Plain code: 64 products a round, as the compiler makes them.
  int32_t sums[16] = {};
  volatile int8_t factor = 3;
  const int8_t w = factor;
  for (int64_t i = 0; i < rounds; ++i) {
    for (int32_t& sum : sums) {
      for (int j = 0; j < 4; ++j) sum += w * static_cast<int8_t>(i + j);
    }
  }
  for (const int32_t sum : sums) sink.fetch_xor(static_cast<uint64_t>(sum), std::memory_order_relaxed);
  return 64;
}

/// Repeats `pass` on all threads until the time is over and returns the shortest duration in ns.
int64_t best_pass_ns(ThreadPool& pool, int64_t duration_ns, const std::function<void(int)>& pass) {
  SteadyClock clock;
  pool.run(pass);  // wakes the threads and touches what they use
  const int64_t end = clock.now_ns() + duration_ns;
  int64_t best = INT64_MAX;
  do {
    const int64_t begin = clock.now_ns();
    pool.run(pass);
    best = std::min(best, clock.now_ns() - begin);
  } while (clock.now_ns() < end);
  return best;
}

}  // namespace

void read_once(std::span<const std::byte> bytes) { read_all(bytes.data(), static_cast<int64_t>(bytes.size())); }

double measure_read_gb_per_s(int threads, int64_t bytes, int64_t duration_ns) {
  const int64_t part = bytes / threads / 4096 * 4096;
  const std::unique_ptr<std::byte[]> data(new std::byte[static_cast<std::size_t>(part * threads)]);
  ThreadPool pool(threads);
  pool.run([&](int thread) { std::fill_n(data.get() + thread * part, part, std::byte{1}); });
  const int64_t ns = best_pass_ns(pool, duration_ns, [&](int thread) { read_all(data.get() + thread * part, part); });
  return static_cast<double>(part * threads) / static_cast<double>(ns);
}

double measure_int8_gmac_per_s(int threads, int64_t duration_ns) {
  constexpr int64_t kRounds = 200'000;
  ThreadPool pool(threads);
  std::atomic<int64_t> macs_per_round{0};
  const int64_t ns =
      best_pass_ns(pool, duration_ns, [&](int) { macs_per_round.store(run_dots(kRounds), std::memory_order_relaxed); });
  return static_cast<double>(macs_per_round.load() * kRounds * threads) / static_cast<double>(ns);
}

}  // namespace ifm
