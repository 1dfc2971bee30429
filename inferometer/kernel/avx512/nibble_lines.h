#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "inferometer/kernel/avx512/unrolled.h"

// What roundings for weights whose nibbles need no masks share. A line is 128 values, 16 lanes of eight, and a lane's values are
// those of the eight nibbles of a dword: 8 consecutive ones (MLX), or of a block of 32 alternately 4 of its first and 4 of its
// second half (GGML, `halves`). With v the bytes of a dword of nibbles n0 … n7, lowest first, and u = v << 4, the eight weights
// times their inputs are (a0 v0 + … + a3 v3 + e0 u0 + … + e3 u3) / 16, where u0 = 16 n0, ub = 16 n2b + n(2b-1) and
// vb = n2b + 16 n(2b+1): the input of n2b is e_b + a_b / 16 and that of n(2b+1) is a_b + e_(b+1) / 16. Rounding from n7 down,
// each integer takes up what the ones before it left over.
namespace ifm::avx512 {

inline constexpr int64_t kLineValues = 128;
static inline int64_t lines_of(int64_t k) { return (k + kLineValues - 1) / kLineValues; }

/// Products take two lines, a pair of 256 values, at a time: first the even lanes of both, then the odd ones, so that 16 values
/// with a common scale meet in one lane. Of each 128 bits the first half is the first line's.
inline constexpr int64_t kPairValues = 2 * kLineValues;
static inline int64_t pairs_of(int64_t k) { return (k + kPairValues - 1) / kPairValues; }

[[gnu::always_inline]] static inline __m512i even_lanes(__m512i first, __m512i second) {
  return _mm512_castps_si512(_mm512_shuffle_ps(_mm512_castsi512_ps(first), _mm512_castsi512_ps(second), 0x88));
}
[[gnu::always_inline]] static inline __m512i odd_lanes(__m512i first, __m512i second) {
  return _mm512_castps_si512(_mm512_shuffle_ps(_mm512_castsi512_ps(first), _mm512_castsi512_ps(second), 0xDD));
}
/// For both lanes that became one.
[[gnu::always_inline]] static inline __m512 of_first_line(__m512 pair) { return _mm512_unpacklo_ps(pair, pair); }
[[gnu::always_inline]] static inline __m512 of_second_line(__m512 pair) { return _mm512_unpackhi_ps(pair, pair); }
/// The groups of a pair's lanes, where a group is 32 or 64 values.
template <int G>
[[gnu::always_inline]] static inline __m512i groups_of_pair() {
  if constexpr (G == 64) return _mm512_setr_epi32(0, 0, 2, 2, 0, 0, 2, 2, 1, 1, 3, 3, 1, 1, 3, 3);
  return _mm512_setr_epi32(0, 0, 4, 4, 1, 1, 5, 5, 2, 2, 6, 6, 3, 3, 7, 7);
}

/// Row r of eight values and row r + 8, for a line of 16 rows: those of a lane, MLX's in the order of the nibbles, GGML's the
/// four low nibbles first.
template <bool halves>
static inline __m512 load_rows(const float* x, int r) {
  if constexpr (!halves) {
    return _mm512_insertf32x8(_mm512_castps256_ps512(_mm256_loadu_ps(x + 8 * r)), _mm256_loadu_ps(x + 64 + 8 * r), 1);
  }
  const float* at = x + 32 * (r / 4) + 4 * (r % 4);
  __m512 row = _mm512_castps128_ps512(_mm_loadu_ps(at));
  row = _mm512_insertf32x4(row, _mm_loadu_ps(at + 16), 1);
  row = _mm512_insertf32x4(row, _mm_loadu_ps(at + 64), 2);
  return _mm512_insertf32x4(row, _mm_loadu_ps(at + 80), 3);
}

/// out[p] lane L = the input of nibble p of lane L.
template <bool halves>
[[gnu::always_inline]] static inline void load_whole_line(const float* x, __m512* out) {
  __m512 pair[8];
  unrolled<4>([&](auto i) __attribute__((always_inline)) {
    const __m512 even = load_rows<halves>(x, 2 * i);
    const __m512 odd = load_rows<halves>(x, 2 * i + 1);
    pair[2 * i] = _mm512_unpacklo_ps(even, odd);
    pair[2 * i + 1] = _mm512_unpackhi_ps(even, odd);
  });
  // four[q][j]: of rows 4 q … 4 q + 3, columns j (first 128 bits of a half) and j + 4 (second).
  __m512 four[2][4];
  unrolled<2>([&](auto q) __attribute__((always_inline)) {
    const __m512d a = _mm512_castps_pd(pair[4 * q]);
    const __m512d b = _mm512_castps_pd(pair[4 * q + 1]);
    const __m512d c = _mm512_castps_pd(pair[4 * q + 2]);
    const __m512d d = _mm512_castps_pd(pair[4 * q + 3]);
    four[q][0] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, c));
    four[q][1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, c));
    four[q][2] = _mm512_castpd_ps(_mm512_unpacklo_pd(b, d));
    four[q][3] = _mm512_castpd_ps(_mm512_unpackhi_pd(b, d));
  });
  const __m512i lower = _mm512_setr_epi32(0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27);
  const __m512i upper = _mm512_add_epi32(lower, _mm512_set1_epi32(4));
  unrolled<4>([&](auto j) __attribute__((always_inline)) {
    // Column j + 4 of a GGML row is the high nibble of byte j.
    out[halves ? 2 * j : j] = _mm512_permutex2var_ps(four[0][j], lower, four[1][j]);
    out[halves ? 2 * j + 1 : j + 4] = _mm512_permutex2var_ps(four[0][j], upper, four[1][j]);
  });
}

/// Line `line` of k values; the last one is filled up with zeros, and any behind it is zeros.
template <bool halves>
[[gnu::always_inline]] static inline void load_line(const float* x, int64_t k, int64_t line, __m512* out) {
  const float* from = x + line * kLineValues;
  const int64_t left = k - line * kLineValues;
  if (left >= kLineValues) return load_whole_line<halves>(from, out);
  float last[kLineValues] = {};
  if (left > 0) __builtin_memcpy(last, from, static_cast<std::size_t>(left) * sizeof(float));
  load_whole_line<halves>(last, out);
}

/// Inputs scaled to integers, as a (odd nibbles) and e (even ones).
struct LineIntegers {
  __m512i a[4];
  __m512i e[4];

  [[gnu::always_inline]] LineIntegers(const __m512* x, __m512 inverse) {
    __m512 before = _mm512_setzero_ps();
    unrolled<8>([&](auto i) __attribute__((always_inline)) {
      constexpr int p = 7 - i;
      before = _mm512_fnmadd_ps(before, _mm512_set1_ps(1.0F / 16), _mm512_mul_ps(x[p], inverse));
      before = _mm512_roundscale_ps(before, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
      (p % 2 != 0 ? a : e)[p / 2] = _mm512_cvtps_epi32(before);
    });
  }
  /// 16 times the sum of a lane's inputs that the integers stand for: 17 (a + e), less e0.
  [[nodiscard]] __m512i lane_sums() const {
    const __m512i odd = _mm512_add_epi32(_mm512_add_epi32(a[0], a[1]), _mm512_add_epi32(a[2], a[3]));
    const __m512i even = _mm512_add_epi32(_mm512_add_epi32(e[0], e[1]), _mm512_add_epi32(e[2], e[3]));
    const __m512i all = _mm512_add_epi32(odd, even);
    return _mm512_sub_epi32(_mm512_add_epi32(_mm512_slli_epi32(all, 4), all), e[0]);
  }
};

/// Four vectors of integers in [-128, 127] as the bytes of one.
static inline __m512i bytes_of(__m512i b0, __m512i b1, __m512i b2, __m512i b3) {
  const __m512i byte = _mm512_set1_epi32(255);
  const __m512i low = _mm512_or_si512(_mm512_and_si512(b0, byte), _mm512_slli_epi32(_mm512_and_si512(b1, byte), 8));
  const __m512i high = _mm512_or_si512(_mm512_slli_epi32(_mm512_and_si512(b2, byte), 16), _mm512_slli_epi32(b3, 24));
  return _mm512_or_si512(low, high);
}
static inline __m512i bytes_of(const __m512i* b) { return bytes_of(b[0], b[1], b[2], b[3]); }

}  // namespace ifm::avx512
