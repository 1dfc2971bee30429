#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "inferometer/kernel/avx512/nibble_lines.h"
#include "inferometer/kernel/avx512/sums.h"
#include "inferometer/tensor/weight_matrix.h"

// Rows of GGML's super-blocks of 256 weights as decode reads them: 128 bytes of nibbles, two lines, become one vector with the
// even dwords of both and one with the odd ones, so that eight consecutive weights of a group meet in one lane, and so do the
// eight of the high nibbles. Each has
//   kHighBits: high weights are so many bits too far left;
//   factors(i): scales and offsets of the groups of block i, offsets as multiples of what block_shifts.h has for them;
//   low_groups(), high_groups(): where the scales of the lanes are among them;
//   weights(i): bytes.
namespace ifm::avx512 {

struct BlockWeights {
  __m512i low_even, low_odd, high_even, high_odd;
};

static inline __m512i by_quarters(__m128i first, __m128i second, __m128i third, __m128i fourth) {
  const __m256i lower = _mm256_setr_m128i(first, second);
  return _mm512_inserti64x4(_mm512_castsi256_si512(lower), _mm256_setr_m128i(third, fourth), 1);
}
/// One value for the two lanes of 128 bits that came from the first line, one for the second line's.
static inline __m128i by_lines(int first, int second) { return _mm_setr_epi32(first, first, second, second); }

/// 32 bytes in both halves.
static inline __m512i twice(const std::byte* at) {
  return _mm512_broadcast_i64x4(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(at)));
}
static inline __m512i low_nibbles(__m512i v) { return _mm512_and_si512(v, _mm512_set1_epi8(15)); }
/// (nibbles & 15) | high_bits
static inline __m512i nibbles_with(__m512i nibbles, __m512i high_bits) {
  return _mm512_ternarylogic_epi32(nibbles, _mm512_set1_epi8(15), high_bits, 0xEA);
}

/// Q4_K and Q5_K (has_fifths): groups of 32; a group's weights lie in the low nibbles of 32 bytes, the next one's in the high
/// ones.
template <bool has_fifths>
class KRow {
 public:
  static constexpr int kHighBits = has_fifths ? 0 : 4;

  KRow() = default;
  KRow(const WeightMatrix& w, int64_t row) : blocks_(w.data + row * w.row_bytes) {}

  static __m512i low_groups() { return in_quarters(0, 8, 2, 10); }
  static __m512i high_groups() { return in_quarters(1, 9, 3, 11); }

  /// d times the six-bit scales of groups 0 to 3, dmin times their minimums, then those of groups 4 to 7.
  [[gnu::always_inline]] [[nodiscard]] __m512 factors(int64_t i) const {
    const std::byte* at = blocks_ + i * kBytes;
    uint64_t eight = 0;  // scales 0 to 3, minimums 0 to 3, and the highest two bits of those of groups 4 to 7
    uint32_t nibbles = 0;
    __builtin_memcpy(&eight, at + 4, 8);
    __builtin_memcpy(&nibbles, at + 12, 4);
    const uint64_t lower = eight & 0x3F3F3F3F3F3F3F3FU;
    // Low nibbles are scales', high ones minimums'.
    const uint64_t four_bits = (nibbles | static_cast<uint64_t>(nibbles) << 28U) & 0x0F0F0F0F0F0F0F0FU;
    const uint64_t upper = (eight >> 2U & 0x3030303030303030U) | four_bits;
    const __m128i bytes = _mm_set_epi64x(static_cast<int64_t>(upper), static_cast<int64_t>(lower));
    int32_t d_and_dmin = 0;
    __builtin_memcpy(&d_and_dmin, at, 4);
    const __m256i fours =
        _mm256_setr_epi8(0, 1, 0, 1, 0, 1, 0, 1, 2, 3, 2, 3, 2, 3, 2, 3, 0, 1, 0, 1, 0, 1, 0, 1, 2, 3, 2, 3, 2, 3, 2, 3);
    const __m512 units = _mm512_cvtph_ps(_mm256_shuffle_epi8(_mm256_set1_epi32(d_and_dmin), fours));
    return _mm512_mul_ps(units, _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(bytes)));
  }

  [[gnu::always_inline]] [[nodiscard]] BlockWeights weights(int64_t i) const {
    const std::byte* at = blocks_ + i * kBytes;
    const __m512i first = load_once(at + kBytes - 128);
    const __m512i second = load_once(at + kBytes - 64);
    const __m512i even = even_lanes(first, second);
    const __m512i odd = odd_lanes(first, second);
    if constexpr (!has_fifths) {
      const __m512i high = _mm512_set1_epi8(static_cast<char>(0xF0));
      return {low_nibbles(even), low_nibbles(odd), _mm512_and_si512(even, high), _mm512_and_si512(odd, high)};
    }
    // Bit g of a byte is group g's; it goes to bit 4.
    const __m512i fifths = twice(at + 16);
    const __m512i even_fifths = even_lanes(fifths, fifths);
    const __m512i odd_fifths = odd_lanes(fifths, fifths);
    const auto with_fifths = [](__m512i nibbles, __m512i bits, __m512i left) __attribute__((always_inline)) {
      return nibbles_with(nibbles, _mm512_and_si512(_mm512_rolv_epi32(bits, left), _mm512_set1_epi8(16)));
    };
    const __m512i low = in_quarters(4, 0, 2, 30);
    const __m512i high = in_quarters(3, 31, 1, 29);
    return {with_fifths(even, even_fifths, low), with_fifths(odd, odd_fifths, low),
            with_fifths(_mm512_srli_epi32(even, 4), even_fifths, high), with_fifths(_mm512_srli_epi32(odd, 4), odd_fifths, high)};
  }

 private:
  /// For lanes of the first half of a line, the first line's and the second's, then for those of the second half.
  static __m512i in_quarters(int first, int second, int later_first, int later_second) {
    const __m128i before = by_lines(first, second);
    const __m128i behind = by_lines(later_first, later_second);
    return by_quarters(before, before, behind, behind);
  }

  static constexpr int64_t kBytes = has_fifths ? 176 : 144;
  const std::byte* blocks_ = nullptr;
};

/// Q6_K: groups of 16, weights less 32. The low nibbles of a line are four groups, the high ones the next four.
class Q6Row {
 public:
  static constexpr int kHighBits = 0;

  Q6Row() = default;
  Q6Row(const WeightMatrix& w, int64_t row) : blocks_(w.data + row * w.row_bytes) {}

  static __m512i low_groups() { return by_quarters(by_lines(0, 8), by_lines(1, 9), by_lines(2, 10), by_lines(3, 11)); }
  static __m512i high_groups() { return _mm512_add_epi32(low_groups(), _mm512_set1_epi32(4)); }

  [[gnu::always_inline]] [[nodiscard]] __m512 factors(int64_t i) const {
    const std::byte* at = blocks_ + i * kBytes;
    const __m128i eights = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + 192));
    uint16_t d = 0;
    __builtin_memcpy(&d, at + 208, 2);
    return _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(eights)),
                         _mm512_cvtph_ps(_mm256_set1_epi16(static_cast<int16_t>(d))));
  }

  [[gnu::always_inline]] [[nodiscard]] BlockWeights weights(int64_t i) const {
    const std::byte* at = blocks_ + i * kBytes;
    const __m512i first = load_once(at);
    const __m512i second = load_once(at + 64);
    const __m512i even = even_lanes(first, second);
    const __m512i odd = odd_lanes(first, second);
    const __m512i first_pairs = twice(at + 128);
    const __m512i second_pairs = twice(at + 160);
    const __m512i even_pairs = even_lanes(first_pairs, second_pairs);
    const __m512i odd_pairs = odd_lanes(first_pairs, second_pairs);
    // Bits 0 and 1 of a byte go to bits 4 and 5 for the first half of a line's low nibbles, 2 and 3 for its second half, and so
    // on.
    const __m512i mask = _mm512_set1_epi8(48);
    const __m512i left = halves(4, 2);
    const __m512i right = halves(0, 2);
    const auto low = [&](__m512i nibbles, __m512i pairs) __attribute__((always_inline)) {
      return nibbles_with(nibbles, _mm512_and_si512(_mm512_sllv_epi32(pairs, left), mask));
    };
    const auto high = [&](__m512i nibbles, __m512i pairs) __attribute__((always_inline)) {
      return nibbles_with(_mm512_srli_epi32(nibbles, 4), _mm512_and_si512(_mm512_srlv_epi32(pairs, right), mask));
    };
    return {low(even, even_pairs), low(odd, odd_pairs), high(even, even_pairs), high(odd, odd_pairs)};
  }

 private:
  static __m512i halves(int a, int b) { return _mm512_setr_epi32(a, a, a, a, a, a, a, a, b, b, b, b, b, b, b, b); }

  static constexpr int64_t kBytes = 210;
  const std::byte* blocks_ = nullptr;
};

}  // namespace ifm::avx512
