#include "inferometer/kernel/avx2/avx2.h"
#include "inferometer/kernel/avx2/vector.h"
#include "inferometer/kernel/eights.h"

namespace ifm::avx2 {
namespace {

/// Eight values as int32 in [-127, 127], and their scale; NaN and no values where they are not finite.
__m256i round8(const float* x, float* scale) {
  const __m256 v = _mm256_loadu_ps(x);
  const __m256 magnitude = _mm256_and_ps(v, _mm256_castsi256_ps(_mm256_set1_epi32(0x7FFFFFFF)));
  // Not less than infinity: infinite or NaN.
  const bool finite = _mm256_movemask_ps(_mm256_cmp_ps(magnitude, _mm256_set1_ps(__builtin_inff()), _CMP_NLT_UQ)) == 0;
  const float top = max8(magnitude);
  *scale = finite ? top / 127.0F : __builtin_nanf("");
  const float inverse = finite && top > 0 ? 127.0F / top : 0.0F;
  if (!finite) return _mm256_setzero_si256();
  const __m256 limit = _mm256_set1_ps(127.0F);
  const __m256 scaled = _mm256_mul_ps(v, _mm256_set1_ps(inverse));
  return _mm256_cvtps_epi32(_mm256_min_ps(limit, _mm256_max_ps(_mm256_sub_ps(_mm256_setzero_ps(), limit), scaled)));
}

/// 32 values as bytes in order, their four scales and the sum of scale * q.
__m256i round32(const float* x, float* scales, float* sum) {
  const __m256i v0 = round8(x, scales);
  const __m256i v1 = round8(x + 8, scales + 1);
  const __m256i v2 = round8(x + 16, scales + 2);
  const __m256i v3 = round8(x + 24, scales + 3);
  const __m256i packed = _mm256_packs_epi16(_mm256_packs_epi32(v0, v1), _mm256_packs_epi32(v2, v3));
  const __m256i bytes = _mm256_permutevar8x32_epi32(packed, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
  const __m256i fours = _mm256_madd_epi16(_mm256_maddubs_epi16(_mm256_set1_epi8(1), bytes), _mm256_set1_epi16(1));
  const __m256 spread =
      _mm256_permutevar8x32_ps(_mm256_castps128_ps256(_mm_loadu_ps(scales)), _mm256_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3));
  *sum = sum8(_mm256_mul_ps(_mm256_cvtepi32_ps(fours), spread));
  return bytes;
}

/// Within each 8 bytes: the four even ones, then the four odd ones.
__m256i split8(__m256i bytes) {
  const __m256i order = _mm256_setr_epi8(0, 2, 4, 6, 1, 3, 5, 7, 8, 10, 12, 14, 9, 11, 13, 15, 0, 2, 4, 6, 1, 3, 5, 7, 8, 10, 12,
                                         14, 9, 11, 13, 15);
  return _mm256_shuffle_epi8(bytes, order);
}

}  // namespace

void round_linear(const float* x, int64_t n, int64_t k, int64_t begin, int64_t end, std::byte* out) {
  const Eights target = eights_in(out, n, k);
  for (int64_t t = begin; t < end; ++t) {
    for (int64_t i = 0; i < k; i += 32) {
      const __m256i bytes = round32(x + t * k + i, target.scale + (t * k + i) / 8, target.sum + (t * k + i) / 32);
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(target.q + t * k + i), bytes);
    }
  }
}

void round_split(const float* x, int64_t n, int64_t k, int64_t begin, int64_t end, std::byte* out) {
  const Eights target = eights_in(out, n, k);
  for (int64_t t = begin; t < end; ++t) {
    const float* row = x + t * k;
    int8_t* q = target.q + t * k;
    float* scale = target.scale + t * (k / 8);
    float* sum = target.sum + t * (k / 32);
    int64_t i = 0;
    for (; i + 64 <= k; i += 64) {
      const __m256 a = _mm256_castsi256_ps(split8(round32(row + i, scale + i / 8, sum + i / 32)));
      const __m256 b = _mm256_castsi256_ps(split8(round32(row + i + 32, scale + i / 8 + 4, sum + i / 32 + 1)));
      // Dwords now alternate even, odd; shuffle_ps works in halves, so the quarters still have to change places.
      const __m256i even = _mm256_castps_si256(_mm256_shuffle_ps(a, b, 0x88));
      const __m256i odd = _mm256_castps_si256(_mm256_shuffle_ps(a, b, 0xDD));
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(q + i), _mm256_permute4x64_epi64(even, 0xD8));
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(q + i + 32), _mm256_permute4x64_epi64(odd, 0xD8));
    }
    if (i < k) {
      const __m256i split = split8(round32(row + i, scale + i / 8, sum + i / 32));
      const __m256i sorted = _mm256_permutevar8x32_epi32(split, _mm256_setr_epi32(0, 2, 4, 6, 1, 3, 5, 7));
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(q + i), sorted);
    }
  }
}

}  // namespace ifm::avx2
