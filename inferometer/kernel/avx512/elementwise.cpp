#include "inferometer/kernel/avx512/elementwise.h"

#include <immintrin.h>

#include "inferometer/kernel/avx512/lanes.h"

namespace ifm::avx512 {
namespace {

__m512 swiglu_of(__m512 gate, __m512 up) {
  // sigmoid(g) = 1 / (1 + e) or, of g < 0, e / (1 + e), with e = exp(-|g|): no overflow.
  const __m512 log2_e = _mm512_set1_ps(1.44269504F);
  const __m512 e = exp2_of(_mm512_mul_ps(_mm512_sub_ps(_mm512_setzero_ps(), _mm512_abs_ps(gate)), log2_e));
  const __mmask16 negative = _mm512_cmp_ps_mask(gate, _mm512_setzero_ps(), _CMP_LT_OQ);
  const __m512 numerator = _mm512_mask_mul_ps(gate, negative, gate, e);
  return _mm512_mul_ps(_mm512_div_ps(numerator, _mm512_add_ps(_mm512_set1_ps(1.0F), e)), up);
}

}  // namespace

void swiglu(const float* gate, const float* up, int64_t k, float* out) {
  for (int64_t i = 0; i < k; i += 16) {
    const __mmask16 there = first_lanes(k - i);
    _mm512_mask_storeu_ps(out + i, there,
                          swiglu_of(_mm512_maskz_loadu_ps(there, gate + i), _mm512_maskz_loadu_ps(there, up + i)));
  }
}

}  // namespace ifm::avx512
