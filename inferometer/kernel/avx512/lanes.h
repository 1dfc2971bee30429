#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "inferometer/tensor/dtype.h"

// Everything here is static: a copy that this folder's flags compiled must never serve a caller without AVX-512.
namespace ifm::avx512 {

/// The lowest `count` lanes; none below 0, all from 16 on.
static inline __mmask16 first_lanes(int64_t count) {
  if (count >= 16) return 0xFFFF;
  return static_cast<__mmask16>(count <= 0 ? 0 : (1 << count) - 1);
}

/// 16 consecutive floats of a type, those of `mask`, else 0.
template <DType dtype>
[[gnu::always_inline]] static inline __m512 load_floats(__mmask16 mask, const std::byte* from) {
  if constexpr (dtype == DType::f32) return _mm512_maskz_loadu_ps(mask, from);
  const __m256i bits = _mm256_maskz_loadu_epi16(mask, from);
  if constexpr (dtype == DType::f16) return _mm512_cvtph_ps(bits);
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16));
}

/// 2^x for x <= 0, to about 2e-7; NaN stays NaN.
static inline __m512 exp2_of(__m512 x) {
  const __m512 n = _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  const __m512 r = _mm512_sub_ps(x, n);
  // Least relative error on [-1/2, 1/2].
  __m512 p = _mm512_set1_ps(0x1.5c08e6p-10F);
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0x1.3d0c54p-7F));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0x1.c6b6e4p-5F));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0x1.ebf918p-3F));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0x1.62e428p-1F));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.0F));
  return _mm512_scalef_ps(p, n);
}

// Across lanes: each of up to eight rows' 16 lanes become one number, in the row's lane of the result.

struct Larger {
  __m512 operator()(__m512 a, __m512 b) const { return _mm512_max_ps(a, b); }
};
struct Sum {
  __m512 operator()(__m512 a, __m512 b) const { return _mm512_add_ps(a, b); }
};

/// Halves: a's in the lower half of the result, b's in the upper.
template <typename Join>
static inline __m512 join_halves(__m512 a, __m512 b, Join join) {
  return join(_mm512_shuffle_f32x4(a, b, 0x44), _mm512_shuffle_f32x4(a, b, 0xEE));
}
/// Quarters of each half: a's two in the lower half of the result, b's in the upper.
template <typename Join>
static inline __m512 join_quarters(__m512 a, __m512 b, Join join) {
  return join(_mm512_shuffle_f32x4(a, b, 0x88), _mm512_shuffle_f32x4(a, b, 0xDD));
}
/// Neighbours of each quarter: a's two, then b's two.
template <typename Join>
static inline __m512 join_pairs(__m512 a, __m512 b, Join join) {
  return join(_mm512_shuffle_ps(a, b, 0x88), _mm512_shuffle_ps(a, b, 0xDD));
}

/// One number for each of R rows. The operations of a row are the same whatever R and its place are.
template <int R, typename Join>
static inline __m512 across(const __m512* v, Join join) {
  __m512 w;
  if constexpr (R > 4) {
    const __m512 a = join_halves(v[0], v[4], join);
    const __m512 b = join_halves(v[1], v[R > 5 ? 5 : 1], join);
    const __m512 c = join_halves(v[2], v[R > 6 ? 6 : 2], join);
    const __m512 d = join_halves(v[3], v[R > 7 ? 7 : 3], join);
    w = join_pairs(join_quarters(a, c, join), join_quarters(b, d, join), join);
  } else {
    const __m512 a = join_halves(v[0], v[R > 2 ? 2 : 0], join);
    const __m512 b = R > 1 ? join_halves(v[1], v[R > 3 ? 3 : 1], join) : a;
    const __m512 c = join_quarters(a, b, join);
    w = join_pairs(c, c, join);
  }
  return join(w, _mm512_permute_ps(w, 0xB1));
}

/// Where across() leaves row r.
template <int R>
static constexpr int lane_of(int r) {
  if constexpr (R > 4) return 4 * (r / 4) + 8 * (r / 2 % 2) + 2 * (r % 2);
  return 4 * (r / 2) + 8 * (r % 2);
}

}  // namespace ifm::avx512
