#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "inferometer/kernel/avx512/sums.h"
#include "inferometer/tensor/weight_matrix.h"

// Rows of GGML's super-blocks of 256 weights as decode reads them, in two lines of 128: 16 lanes with a quad of four weights in
// each of two vectors. Each has
//   kSums, the groups of a block; first_groups() and second_groups(), the groups of the lanes of a block's first line, and
//   kGroupsPerLine, what to add for the next;
//   block(i): the groups' scales and offsets, one a lane, and line(i, j): bytes.
namespace ifm::avx512 {

struct BlockGroups {
  __m512 scales;
  __m512 offsets;  ///< times sums of inputs
};
struct BytePair {
  __m512i first;
  __m512i second;
};

static inline __m512 f16_to_all(const std::byte* at) {
  uint16_t bits = 0;
  __builtin_memcpy(&bits, at, 2);
  return _mm512_cvtph_ps(_mm256_set1_epi16(static_cast<int16_t>(bits)));
}
/// 32 bytes in both halves.
static inline __m512i twice(const std::byte* at) {
  return _mm512_broadcast_i64x4(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(at)));
}
static inline __m512i halves(int a, int b) { return _mm512_setr_epi32(a, a, a, a, a, a, a, a, b, b, b, b, b, b, b, b); }
static inline __m512i nibbles_with(__m512i nibbles, __m512i high_bits) {
  // (nibbles & 15) | high_bits
  return _mm512_ternarylogic_epi32(nibbles, _mm512_set1_epi8(15), high_bits, 0xEA);
}

/// Q4_K and Q5_K (has_fifths): groups of 32; a group's quads lie in the low nibbles of 32 bytes, the next one's in the high ones.
template <bool has_fifths>
class KRow {
 public:
  static constexpr int kSums = 8;
  static constexpr int kGroupsPerLine = 4;

  KRow() = default;
  KRow(const WeightMatrix& w, int64_t row) : blocks_(w.data + row * w.row_bytes) {}

  static __m512i first_groups() { return halves(0, 2); }
  static __m512i second_groups() { return halves(1, 3); }

  /// Six-bit scales and mins of eight groups, times d and -dmin.
  [[gnu::always_inline]] [[nodiscard]] BlockGroups block(int64_t i) const {
    const std::byte* at = blocks_ + i * kBytes;
    uint32_t w[4];
    __builtin_memcpy(w, at, 16);
    const uint64_t six = 0x3F3F3F3F;
    const uint64_t scales = (w[1] & six) | static_cast<uint64_t>((w[3] & 0x0F0F0F0FU) | (w[1] >> 6 & 0x03030303U) << 4) << 32;
    const uint64_t mins = (w[2] & six) | static_cast<uint64_t>((w[3] >> 4 & 0x0F0F0F0FU) | (w[2] >> 6 & 0x03030303U) << 4) << 32;
    // Eight scales, then eight mins.
    const __m512 all =
        _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_set_epi64x(static_cast<int64_t>(mins), static_cast<int64_t>(scales))));
    const __m256 d = _mm256_cvtph_ps(_mm_set1_epi16(static_cast<int16_t>(w[0])));
    const __m256 dmin = _mm256_cvtph_ps(_mm_set1_epi16(static_cast<int16_t>(w[0] >> 16)));
    const __m256 minus = _mm256_sub_ps(_mm256_setzero_ps(), dmin);
    return {_mm512_castps256_ps512(_mm256_mul_ps(d, _mm512_castps512_ps256(all))),
            _mm512_zextps256_ps512(_mm256_mul_ps(minus, _mm512_extractf32x8_ps(all, 1)))};
  }

  [[gnu::always_inline]] [[nodiscard]] BytePair line(int64_t i, int j) const {
    const std::byte* at = blocks_ + i * kBytes;
    const __m512i v = load_once(at + kBytes - 128 + 64 * j);
    const __m512i high = _mm512_srli_epi32(v, 4);
    if constexpr (!has_fifths) return {_mm512_and_si512(v, _mm512_set1_epi8(15)), _mm512_and_si512(high, _mm512_set1_epi8(15))};
    // Bit g of a byte is group g's; it goes to bit 4.
    const __m512i fifths = twice(at + 16);
    const auto to_bit_4 = [&](int a, int b) {
      return _mm512_and_si512(_mm512_rolv_epi32(fifths, halves((36 - a) % 32, (36 - b) % 32)), _mm512_set1_epi8(16));
    };
    return {nibbles_with(v, to_bit_4(4 * j, 4 * j + 2)), nibbles_with(high, to_bit_4(4 * j + 1, 4 * j + 3))};
  }

 private:
  static constexpr int64_t kBytes = has_fifths ? 176 : 144;
  const std::byte* blocks_ = nullptr;
};

/// Q6_K: groups of 16, weights less 32.
class Q6Row {
 public:
  static constexpr int kSums = 16;
  static constexpr int kGroupsPerLine = 8;

  Q6Row() = default;
  Q6Row(const WeightMatrix& w, int64_t row) : blocks_(w.data + row * w.row_bytes) {}

  static __m512i first_groups() { return _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3); }
  static __m512i second_groups() { return _mm512_add_epi32(first_groups(), _mm512_set1_epi32(4)); }

  [[gnu::always_inline]] [[nodiscard]] BlockGroups block(int64_t i) const {
    const std::byte* at = blocks_ + i * kBytes;
    const __m128i eights = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + 192));
    const __m512 scales = _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(eights)), f16_to_all(at + 208));
    return {scales, _mm512_mul_ps(scales, _mm512_set1_ps(-32.0F))};
  }

  [[gnu::always_inline]] [[nodiscard]] BytePair line(int64_t i, int j) const {
    const std::byte* at = blocks_ + i * kBytes;
    const __m512i v = load_once(at + 64 * j);
    const __m512i pairs = twice(at + 128 + 32 * j);
    const __m512i high = _mm512_set1_epi8(48);
    // Bits 0 and 1 of a byte go to bits 4 and 5 for the first half of the first vector, 2 and 3 for the second, and so on.
    const __m512i first = _mm512_and_si512(_mm512_sllv_epi32(pairs, halves(4, 2)), high);
    const __m512i second = _mm512_and_si512(_mm512_srlv_epi32(pairs, halves(0, 2)), high);
    return {nibbles_with(v, first), nibbles_with(_mm512_srli_epi32(v, 4), second)};
  }

 private:
  static constexpr int64_t kBytes = 210;
  const std::byte* blocks_ = nullptr;
};

}  // namespace ifm::avx512
