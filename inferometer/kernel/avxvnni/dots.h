#pragma once

#include "inferometer/kernel/avx2/decode.h"
#include "inferometer/kernel/avxvnni/avxvnni.h"

// What avx2's decode.h does with pairs of instructions and additions. The sums of integers are the same, and so is every result.
namespace ifm::IFM_VNNI {

struct Steps : avx2::Steps {};
struct WordSteps : avx2::WordSteps {};

static IFM_INLINE __m256i add_dots(__m256i to, __m256i bytes, __m256i inputs) {
#ifdef IFM_EVEX
  return _mm256_dpbusd_epi32(to, bytes, inputs);
#else
  return _mm256_dpbusd_avx_epi32(to, bytes, inputs);
#endif
}
static IFM_INLINE __m256i add_word_dots(__m256i to, __m256i words, __m256i inputs) {
#ifdef IFM_EVEX
  return _mm256_dpwssd_epi32(to, words, inputs);
#else
  return _mm256_dpwssd_avx_epi32(to, words, inputs);
#endif
}

/// Adds a step of every row and token.
template <int R, int T>
static IFM_INLINE void add_step(const avx2::DecodeTile<Steps, R, T>& tile, int64_t step, const avx2::RowStep (&rows)[R],
                                avx2::RowSum (&sums)[R][T]) {
  avx2::unroll<T>([&](auto t) IFM_INLINE_LAMBDA {
    const std::byte* at = tile.x[t].at + step * avx2::kStepBytes;
    const __m256i x_first = avx2::load_once(at);
    const __m256i x_last = avx2::load_once(at + 32);
    const __m256 x_scales = _mm256_castsi256_ps(avx2::load_once(at + 64));
    avx2::unroll<R>([&](auto r) IFM_INLINE_LAMBDA {
      const __m256i first = add_dots(_mm256_setzero_si256(), rows[r].first, x_first);
      const __m256 dots = _mm256_cvtepi32_ps(add_dots(first, rows[r].last, x_last));
      sums[r][t].lanes = _mm256_fmadd_ps(dots, _mm256_mul_ps(rows[r].scales, x_scales), sums[r][t].lanes);
    });
  });
}

/// Adds the products of 32 bytes with their words of inputs.
static IFM_INLINE __m256i add_byte_word_dots(__m256i to, __m256i bytes, const std::byte* words) {
  const __m256i low = _mm256_unpacklo_epi8(bytes, _mm256_setzero_si256());
  const __m256i high = _mm256_unpackhi_epi8(bytes, _mm256_setzero_si256());
  return add_word_dots(add_word_dots(to, low, avx2::load_once(words)), high, avx2::load_once(words + 32));
}

template <int R, int T>
static IFM_INLINE void add_step(const avx2::DecodeTile<WordSteps, R, T>& tile, int64_t step, const avx2::RowStep (&rows)[R],
                                avx2::RowSum (&sums)[R][T]) {
  avx2::unroll<R>([&](auto r) IFM_INLINE_LAMBDA {
    avx2::unroll<T>([&](auto t) IFM_INLINE_LAMBDA {
      const std::byte* at = tile.x[t].at + step * avx2::kWordStepBytes;
      const __m256i first = add_byte_word_dots(_mm256_setzero_si256(), rows[r].first, at);
      const __m256i dots = add_byte_word_dots(first, rows[r].last, at + 64);
      const __m256 x_scales = _mm256_loadu_ps(reinterpret_cast<const float*>(at + 128));
      sums[r][t].lanes = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dots), _mm256_mul_ps(rows[r].scales, x_scales), sums[r][t].lanes);
    });
  });
}

}  // namespace ifm::IFM_VNNI
