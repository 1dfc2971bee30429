#pragma once

#include <immintrin.h>

#include <cstdint>

#include "inferometer/kernel/avx512/factor_choice.h"

namespace ifm::avx512 {

/// Leaves each line's largest values of 16 lanes where LaneScales looks for them, the first line's at `tops`; top_of(line): they,
/// as the bits of floats. Returns the bits of the largest of all; those of infinity and NaN are the largest.
template <typename TopOf>
static inline uint32_t leave_tops(float* tops, int64_t lines, const TopOf& top_of) {
  __m512i all = _mm512_setzero_si512();
  for (int64_t line = 0; line < lines; ++line) {
    const __m512i top = top_of(line);
    _mm512_store_si512(tops - 16 * line, top);
    all = _mm512_max_epu32(all, top);
  }
  return _mm512_reduce_max_epu32(all);
}

/// What dots are added to: the bits of 1.5 * 2^23, whose last place is 1, with the lanes' shifts added to its exponent.
static inline __m512i starts_of(__m512i shifts) {
  return _mm512_add_epi32(_mm512_castps_si512(_mm512_set1_ps(0x1.8p23F)), _mm512_slli_epi32(shifts, 23));
}

/// How one token becomes int8 with a power-of-two shift of at most 12 per lane: x ~ base * (integer << shift).
class LaneScales {
 public:
  struct Line {
    __m512 multipliers;  ///< times these, values become integers
    __m512i shifts;
  };

  /// limit: the largest integer. bits: of the token's largest magnitude; those of infinity and NaN are the largest. tops: the 16
  /// lanes' largest of the first line, 64-byte aligned; those of the others lie before it, as lines do.
  LaneScales(float limit, uint32_t bits, const float* tops, int64_t lines)
      : limit_(limit), tops_(tops), bad_(bits >= 0x7F800000) {
    float top = 0;
    __builtin_memcpy(&top, &bits, 4);
    // Smaller tokens count as zeros: the reciprocal of their base would overflow.
    if (bad_ || top < 0x1p-100F) top = 0;
    FactorChoice choice;
    for (int64_t line = 0; line < lines; ++line)
      choice.add(_mm512_div_ps(_mm512_set1_ps(top), _mm512_load_ps(tops - 16 * line)), kMostShift);
    widened_ = top * _mm512_cvtss_f32(choice.best([](__m512 v) { return _mm512_set1_ps(_mm512_reduce_add_ps(v)); }));
    inverse_ = widened_ > 0 ? limit / widened_ : 0.0F;
  }

  /// A value is not finite: integers are of no use.
  [[nodiscard]] bool bad() const { return bad_; }
  [[nodiscard]] float base() const { return bad_ ? __builtin_nanf("") : widened_ / limit_ / (1 << kMostShift); }
  [[nodiscard]] Line line(int64_t index) const {
    const __m512 gain =
        FactorChoice::gain(_mm512_div_ps(_mm512_set1_ps(widened_), _mm512_load_ps(tops_ - 16 * index)), kMostShift);
    return {_mm512_scalef_ps(_mm512_set1_ps(inverse_), gain),
            _mm512_sub_epi32(_mm512_set1_epi32(kMostShift), _mm512_cvtps_epi32(gain))};
  }

 private:
  static constexpr int kMostShift = 12;

  float limit_;
  const float* tops_;
  bool bad_;
  float widened_ = 0;
  float inverse_ = 0;
};

}  // namespace ifm::avx512
