#pragma once

#include <immintrin.h>

#include <cstdint>

namespace ifm::avx512 {

/// A load that stays one: GCC would repeat it as an operand of every instruction that uses the value, and loads are scarce in
/// products that wait for memory.
static inline __m512i load_once(const void* from) {
  __m512i value;
  asm("vmovdqu64 %1, %0" : "=v"(value) : "m"(*static_cast<const __m512i_u*>(from)));
  return value;
}

/// Lane r = the sum of the 16 lanes of v[r], always in the same order.
static inline __m512 sum_of_each(const __m512* v) {
  __m512 quarter[4];
  for (int i = 0; i < 4; ++i) {
    const __m512* a = v + 4 * i;
    const __m512 ab = _mm512_add_ps(_mm512_unpacklo_ps(a[0], a[1]), _mm512_unpackhi_ps(a[0], a[1]));
    const __m512 cd = _mm512_add_ps(_mm512_unpacklo_ps(a[2], a[3]), _mm512_unpackhi_ps(a[2], a[3]));
    quarter[i] = _mm512_add_ps(_mm512_castpd_ps(_mm512_unpacklo_pd(_mm512_castps_pd(ab), _mm512_castps_pd(cd))),
                               _mm512_castpd_ps(_mm512_unpackhi_pd(_mm512_castps_pd(ab), _mm512_castps_pd(cd))));
  }
  const auto halves = [](__m512 a, __m512 b) {
    return _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x88), _mm512_shuffle_f32x4(a, b, 0xDD));
  };
  return halves(halves(quarter[0], quarter[1]), halves(quarter[2], quarter[3]));
}

}  // namespace ifm::avx512
