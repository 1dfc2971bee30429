#pragma once

#include <immintrin.h>

#include <cstdint>

#include "inferometer/kernel/avx512/records.h"

namespace ifm::avx512 {

/// 64 values as 16-bit integers in two digits, 256 * high + low, four vectors of 16 in [-128, 127] each, and their f32 scale: 0
/// for zeros, NaN where a value is not finite.
struct Int16 {
  __m512i high[4];
  __m512i low[4];
  float scale;
};

/// 256 * 127 + 127: the largest integer whose digits are int8.
inline constexpr float kInt16Top = 32639.0F;

/// Values [at, at + 64) of x (k); those beyond k are zeros.
static inline Int16 round_to_int16(const float* x, int64_t k, int64_t at) {
  __m512 v[4];
  __m512i top = _mm512_setzero_si512();
  for (int64_t s = 0; s < 4; ++s) {
    v[s] = _mm512_maskz_loadu_ps(there(k, at + 16 * s), x + at + 16 * s);
    // As integers: the bits of infinity and NaN are larger than all others.
    top = _mm512_max_epu32(top, _mm512_castps_si512(_mm512_abs_ps(v[s])));
  }
  const uint32_t bits = _mm512_reduce_max_epu32(top);
  float largest = 0;
  __builtin_memcpy(&largest, &bits, 4);
  const bool finite = bits < 0x7F800000;
  // Smaller values count as zeros: the reciprocal of their scale would overflow.
  const bool used = finite && largest >= 0x1p-100F;
  const __m512 inverse = _mm512_set1_ps(used ? kInt16Top / largest : 0.0F);
  Int16 out;
  for (int64_t s = 0; s < 4; ++s) {
    const __m512i integers = _mm512_cvtps_epi32(used ? _mm512_mul_ps(v[s], inverse) : _mm512_setzero_ps());
    // The low digit is signed: half of its range up, the high one takes the carry.
    out.high[s] = _mm512_srai_epi32(_mm512_add_epi32(integers, _mm512_set1_epi32(128)), 8);
    out.low[s] = _mm512_sub_epi32(integers, _mm512_slli_epi32(out.high[s], 8));
  }
  out.scale = used ? largest / kInt16Top : (finite ? 0.0F : __builtin_nanf(""));
  return out;
}

}  // namespace ifm::avx512
