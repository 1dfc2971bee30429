#pragma once

#include <immintrin.h>

#include <cstdint>

#include "inferometer/kernel/avx512/lanes.h"
#include "inferometer/kernel/avx512/records.h"

// 64 consecutive values as 16 quads of four, a lane for each, for roundings whose shifts belong to whole quads.
namespace ifm::avx512 {

/// The largest magnitude of each quad of the 64 values from `at` on of k, as the bits of floats: those of infinity and NaN are
/// the largest.
static inline __m512i tops_of_quads(const float* x, int64_t k, int64_t at) {
  __m512i v[4];
  for (int64_t s = 0; s < 4; ++s) {
    v[s] = _mm512_castps_si512(_mm512_abs_ps(_mm512_maskz_loadu_ps(there(k, at + 16 * s), x + at + 16 * s)));
    v[s] = _mm512_max_epu32(v[s], _mm512_shuffle_epi32(v[s], _MM_PERM_CDAB));
    v[s] = _mm512_max_epu32(v[s], _mm512_shuffle_epi32(v[s], _MM_PERM_BADC));
  }
  // Lane 4 s + i is dword 4 i of v[s].
  const __m512i a = _mm512_unpacklo_epi32(v[0], v[1]);  // of each 128 bits: s = 0, 1
  const __m512i b = _mm512_unpacklo_epi32(v[2], v[3]);
  const __m512i quads = _mm512_unpacklo_epi64(a, b);  // dword 4 i + s
  return _mm512_permutexvar_epi32(_mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15), quads);
}

/// The 64 values times their quads' multipliers as bytes, in their order; zeros where they are `bad`.
static inline __m512i bytes_of_quads(const float* x, int64_t k, int64_t at, __m512 multipliers, bool bad) {
  __m512i v[4];
  __m512i quad = _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
  for (int64_t s = 0; s < 4; ++s) {
    const auto mask = bad ? __mmask16{0} : there(k, at + 16 * s);
    const __m512 values = _mm512_maskz_loadu_ps(mask, x + at + 16 * s);
    v[s] = _mm512_cvtps_epi32(_mm512_mul_ps(values, _mm512_permutexvar_ps(quad, multipliers)));
    quad = _mm512_add_epi32(quad, _mm512_set1_epi32(4));
  }
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  return _mm512_permutexvar_epi32(order, pack_quads(v));
}

}  // namespace ifm::avx512
