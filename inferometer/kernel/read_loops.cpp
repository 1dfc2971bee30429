#include "inferometer/kernel/read_loops.h"

#include "inferometer/machine/cpu.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

// Each loop reads kStreams streams of `bytes` bytes that lie `stride` bytes apart, 256 bytes a round over all of them.
namespace ifm {
namespace {

constexpr int64_t kRoundBytes = 256;

uint64_t xor_of(const uint64_t (&words)[8]) {
  uint64_t all = 0;
  for (const uint64_t word : words) all ^= word;
  return all;
}

#if defined(__x86_64__)

template <int kStreams>
__attribute__((target("avx512f"))) uint64_t read_avx512(const std::byte* data, int64_t stride, int64_t bytes) {
  constexpr int kLoads = 4 / kStreams;
  __m512i sums[4] = {_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512()};
  for (int64_t i = 0; i + kRoundBytes / kStreams <= bytes; i += kRoundBytes / kStreams) {
    for (int j = 0; j < 4; ++j) {
      sums[j] = _mm512_xor_si512(sums[j], _mm512_loadu_si512(data + j / kLoads * stride + i + 64 * (j % kLoads)));
    }
  }
  alignas(64) uint64_t words[8];
  _mm512_store_si512(words, _mm512_xor_si512(_mm512_xor_si512(sums[0], sums[1]), _mm512_xor_si512(sums[2], sums[3])));
  return xor_of(words);
}

template <int kStreams>
__attribute__((target("avx2"))) uint64_t read_avx2(const std::byte* data, int64_t stride, int64_t bytes) {
  constexpr int kLoads = 8 / kStreams;
  __m256i sums[8] = {};
  for (int64_t i = 0; i + kRoundBytes / kStreams <= bytes; i += kRoundBytes / kStreams) {
    for (int j = 0; j < 8; ++j) {
      const std::byte* from = data + j / kLoads * stride + i + 32 * (j % kLoads);
      sums[j] = _mm256_xor_si256(sums[j], _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
    }
  }
  alignas(32) uint64_t words[8];
  for (int j = 2; j < 8; ++j) sums[j % 2] = _mm256_xor_si256(sums[j % 2], sums[j]);
  for (int j = 0; j < 2; ++j) _mm256_store_si256(reinterpret_cast<__m256i*>(words + 4 * j), sums[j]);
  return xor_of(words);
}

#endif

/// In words, as the compiler makes vectors of them.
template <int kStreams>
uint64_t read_words(const std::byte* data, int64_t stride, int64_t bytes) {
  uint64_t sums[8] = {};
  for (int64_t i = 0; i + kRoundBytes / kStreams <= bytes; i += kRoundBytes / kStreams) {
    for (int stream = 0; stream < kStreams; ++stream) {
      const auto* words = reinterpret_cast<const uint64_t*>(data + stream * stride + i);
      for (int j = 0; j < kRoundBytes / kStreams / 8; ++j) sums[j % 8] ^= words[j];
    }
  }
  return xor_of(sums);
}

template <int kStreams>
uint64_t read_streams(std::span<const std::byte> bytes) {
  const int64_t stream_bytes = static_cast<int64_t>(bytes.size()) / (kStreams * kRoundBytes) * kRoundBytes;
#if defined(__x86_64__)
  if (cpu_has({"avx512f"})) return read_avx512<kStreams>(bytes.data(), stream_bytes, stream_bytes);
  if (cpu_has({"avx2"})) return read_avx2<kStreams>(bytes.data(), stream_bytes, stream_bytes);
#endif
  return read_words<kStreams>(bytes.data(), stream_bytes, stream_bytes);
}

}  // namespace

uint64_t xor_in_order(std::span<const std::byte> bytes) { return read_streams<1>(bytes); }

uint64_t xor_of_halves(std::span<const std::byte> bytes) { return read_streams<2>(bytes); }

}  // namespace ifm
