#pragma once

#include <immintrin.h>

namespace ifm::avx512 {

/// Inputs with power-of-two shifts of a base leave the base free within a factor of two. Of 1, 2^1/4, 2^1/2 and 2^3/4 times the
/// largest input, the one with the smallest sum of squared steps is taken. Gains are the shifts to the left that values can have.
class FactorChoice {
 public:
  static __m512 gain(__m512 ratio, int cap) {
    return _mm512_min_ps(_mm512_getexp_ps(ratio), _mm512_set1_ps(static_cast<float>(cap)));  // of 0 / 0: the cap
  }
  /// Values whose largest is the `ratio`-th part of the token's.
  void add(__m512 ratio, int cap) {
    for (int i = 0; i < 4; ++i) {
      const __m512 steps = _mm512_mul_ps(gain(_mm512_mul_ps(ratio, _mm512_set1_ps(kFactors[i])), cap), _mm512_set1_ps(-2.0F));
      cost_[i] = _mm512_add_ps(cost_[i], _mm512_scalef_ps(_mm512_set1_ps(1.0F), steps));
    }
  }
  /// total(v) adds up the lanes that belong together.
  template <typename Total>
  [[nodiscard]] __m512 best(const Total& total) const {
    __m512 best = _mm512_set1_ps(1.0F);
    __m512 least = _mm512_set1_ps(__builtin_inff());
    for (int i = 0; i < 4; ++i) {
      const __m512 sum = _mm512_mul_ps(total(cost_[i]), _mm512_set1_ps(kFactors[i] * kFactors[i]));
      const __mmask16 better = _mm512_cmp_ps_mask(sum, least, _CMP_LT_OQ);
      best = _mm512_mask_mov_ps(best, better, _mm512_set1_ps(kFactors[i]));
      least = _mm512_min_ps(sum, least);
    }
    return best;
  }

 private:
  static constexpr float kFactors[4] = {1.0F, 1.189207115F, 1.414213562F, 1.681792831F};
  __m512 cost_[4] = {};
};

}  // namespace ifm::avx512
