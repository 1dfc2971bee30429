#include "inferometer/kernel/avx2/records.h"

#include "inferometer/kernel/avx2/vector.h"

namespace ifm::avx2 {
namespace {

constexpr int64_t kMultiplesAt = 128;
constexpr int64_t kNarrowSumsAt = 160;
constexpr int64_t kWideScalesAt = 256;
constexpr int64_t kWideSumsAt = 272;
constexpr float kMost = 16384;  // the largest multiple
/// Tokens whose largest value is smaller count as zeros: the reciprocal of their base would overflow.
constexpr float kSmallest = 0x1p-100F;

/// A block of 4 tokens' rows of x.
struct Block {
  const float* token[4];
};

Block block_at(const float* x, int64_t n, int64_t k, int64_t token) {
  Block block{};
  for (int64_t t = 0; t < 4; ++t) block.token[t] = x + (token + t < n ? token + t : n - 1) * k;
  return block;
}

int64_t blocks_of(int64_t n) { return (n + kRoundedTokens - 1) / kRoundedTokens; }

__m256 magnitude(__m256 v) { return _mm256_and_ps(v, _mm256_castsi256_ps(_mm256_set1_epi32(0x7FFFFFFF))); }

/// The larger magnitude as an integer: infinity and NaN are larger than all numbers.
__m256i larger(__m256i top, __m256 v) { return _mm256_max_epu32(top, _mm256_castps_si256(magnitude(v))); }

__m256 max_of_halves(__m256 a, __m256 b) { return _mm256_max_ps(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b)); }
__m256 max_of_quarters(__m256 a, __m256 b) {
  const __m256d low = _mm256_unpacklo_pd(_mm256_castps_pd(a), _mm256_castps_pd(b));
  const __m256d high = _mm256_unpackhi_pd(_mm256_castps_pd(a), _mm256_castps_pd(b));
  return _mm256_max_ps(_mm256_castpd_ps(low), _mm256_castpd_ps(high));
}

/// Lane i = the largest of v[i].
__m256 max8_each(const __m256* v) {
  const __m256 a = max_of_quarters(max_of_halves(v[0], v[1]), max_of_halves(v[2], v[3]));
  const __m256 b = max_of_quarters(max_of_halves(v[4], v[5]), max_of_halves(v[6], v[7]));
  return _mm256_max_ps(_mm256_permute2f128_ps(a, b, 0x20), _mm256_permute2f128_ps(a, b, 0x31));
}

/// Lane i = the sum of v[i], of 4 vectors.
__m128i sum_each(const __m256i* v) {
  const __m256i pairs = _mm256_hadd_epi32(_mm256_hadd_epi32(v[0], v[1]), _mm256_hadd_epi32(v[2], v[3]));
  return _mm_add_epi32(_mm256_castsi256_si128(pairs), _mm256_extracti128_si256(pairs, 1));
}

/// rows[t] dword j to out[j of a half] dword t, for both 128-bit halves.
void transpose(const __m256i* rows, __m256i* out) {
  const __m256i a = _mm256_unpacklo_epi32(rows[0], rows[1]);
  const __m256i b = _mm256_unpackhi_epi32(rows[0], rows[1]);
  const __m256i c = _mm256_unpacklo_epi32(rows[2], rows[3]);
  const __m256i d = _mm256_unpackhi_epi32(rows[2], rows[3]);
  out[0] = _mm256_unpacklo_epi64(a, c);
  out[1] = _mm256_unpackhi_epi64(a, c);
  out[2] = _mm256_unpacklo_epi64(b, d);
  out[3] = _mm256_unpackhi_epi64(b, d);
}

void store32(std::byte* to, __m256i v) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), v); }
void store16(std::byte* to, __m128i v) { _mm_storeu_si128(reinterpret_cast<__m128i*>(to), v); }
void store16(std::byte* to, __m128 v) { _mm_storeu_ps(reinterpret_cast<float*>(to), v); }

__m256i scaled(const float* x, __m256 factor) { return _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x), factor)); }

/// The four tokens' largest magnitudes, twice.
__m256 tops_of(const Block& block, int64_t k) {
  __m256 tops[8];
  for (int t = 0; t < 4; ++t) {
    __m256i top = _mm256_setzero_si256();
    for (int64_t i = 0; i < k; i += 8) top = larger(top, _mm256_loadu_ps(block.token[t] + i));
    // max_ps may drop a NaN, so that whatever is not finite becomes infinity first.
    const __m256i bad = _mm256_cmpgt_epi32(top, _mm256_set1_epi32(0x7F7FFFFF));
    tops[t] = tops[t + 4] =
        _mm256_blendv_ps(_mm256_castsi256_ps(top), _mm256_set1_ps(__builtin_inff()), _mm256_castsi256_ps(bad));
  }
  return max8_each(tops);
}

/// What the two sixteens of each of four tokens are divided by; lane 4 s + t.
struct Factors {
  __m256 multiples_per_value;  // kMost / top
  __m256 steps_per_value;      // 127 * kMost / top
};

/// One record of 32 values from x[i] on.
void write_narrow(const Block& block, int64_t i, const Factors& factors, std::byte* record) {
  __m256 tops[8];
  for (int t = 0; t < 4; ++t) {
    const float* x = block.token[t] + i;
    tops[t] = _mm256_max_ps(magnitude(_mm256_loadu_ps(x)), magnitude(_mm256_loadu_ps(x + 8)));
    tops[t + 4] = _mm256_max_ps(magnitude(_mm256_loadu_ps(x + 16)), magnitude(_mm256_loadu_ps(x + 24)));
  }
  const __m256 multiple = _mm256_ceil_ps(_mm256_mul_ps(max8_each(tops), factors.multiples_per_value));
  const __m256 used = _mm256_cmp_ps(multiple, _mm256_setzero_ps(), _CMP_GT_OQ);  // NaN is not
  alignas(32) float factor[8];
  _mm256_store_ps(factor, _mm256_and_ps(used, _mm256_div_ps(factors.steps_per_value, multiple)));
  const __m256i multiples = _mm256_cvtps_epi32(_mm256_and_ps(used, multiple));
  alignas(32) int32_t each[8];
  _mm256_store_si256(reinterpret_cast<__m256i*>(each), multiples);
  __m256i rows[4];
  __m256i sums[4];
  for (int t = 0; t < 4; ++t) {
    const float* x = block.token[t] + i;
    const __m256 first = _mm256_set1_ps(factor[t]);
    const __m256 second = _mm256_set1_ps(factor[t + 4]);
    const __m256i a = _mm256_packs_epi32(scaled(x, first), scaled(x + 8, first));
    const __m256i b = _mm256_packs_epi32(scaled(x + 16, second), scaled(x + 24, second));
    rows[t] = _mm256_packs_epi16(a, b);  // quads 0 2 4 6 | 1 3 5 7
    const __m256i fours = _mm256_madd_epi16(_mm256_maddubs_epi16(_mm256_set1_epi8(1), rows[t]), _mm256_set1_epi16(1));
    const __m256i m = _mm256_setr_epi32(each[t], each[t], each[t + 4], each[t + 4], each[t], each[t], each[t + 4], each[t + 4]);
    sums[t] = _mm256_mullo_epi32(fours, m);
  }
  __m256i quads[4];
  transpose(rows, quads);
  for (int j = 0; j < 4; ++j) store32(record + 32 * j, quads[j]);
  store32(record + kMultiplesAt, _mm256_or_si256(multiples, _mm256_slli_epi32(multiples, 16)));
  store16(record + kNarrowSumsAt, _mm_cvtepi32_ps(sum_each(sums)));
}

int64_t narrow_bytes(int64_t n, int64_t k) { return blocks_of(n) * (k / 32 * kNarrowRecord + 64); }

void round_narrow(const float* x, int64_t n, int64_t k, int64_t begin, int64_t end, std::byte* out) {
  auto* bases = reinterpret_cast<float*>(out + blocks_of(n) * (k / 32) * kNarrowRecord);
  for (int64_t token = begin; token < end; token += kRoundedTokens) {
    const Block block = block_at(x, n, k, token);
    const __m256 top = tops_of(block, k);
    const __m256 infinity = _mm256_set1_ps(__builtin_inff());
    const __m256 used =
        _mm256_and_ps(_mm256_cmp_ps(top, _mm256_set1_ps(kSmallest), _CMP_GE_OQ), _mm256_cmp_ps(top, infinity, _CMP_LT_OQ));
    const Factors factors{_mm256_and_ps(used, _mm256_div_ps(_mm256_set1_ps(kMost), top)),
                          _mm256_and_ps(used, _mm256_div_ps(_mm256_set1_ps(127 * kMost), top))};
    for (int64_t i = 0; i < k; i += 32) {
      write_narrow(block, i, factors, out + (token / kRoundedTokens * (k / 32) + i / 32) * kNarrowRecord);
    }
    const __m256 base = _mm256_and_ps(used, _mm256_div_ps(top, _mm256_set1_ps(127 * kMost)));
    const __m256 bad = _mm256_cmp_ps(top, infinity, _CMP_NLT_UQ);
    _mm_storeu_ps(bases + token, _mm256_castps256_ps128(_mm256_blendv_ps(base, _mm256_set1_ps(__builtin_nanf("")), bad)));
  }
}

/// One token's 32 values as int16, 16 in each of two vectors, pairs 0 1 4 5 | 2 3 6 7; its scale and the sum of q.
struct WordLine {
  __m256i half[2];
  float scale;
  __m256i sum;
};

WordLine words_of(const float* x) {
  __m256i top = _mm256_setzero_si256();
  for (int i = 0; i < 32; i += 8) top = larger(top, _mm256_loadu_ps(x + i));
  const bool finite = _mm256_movemask_epi8(_mm256_cmpgt_epi32(top, _mm256_set1_epi32(0x7F7FFFFF))) == 0;
  const float largest = finite ? max8(_mm256_castsi256_ps(top)) : 0.0F;
  const __m256 inverse = _mm256_set1_ps(largest >= kSmallest ? 32767.0F / largest : 0.0F);
  WordLine words{};
  words.scale = !finite ? __builtin_nanf("") : (largest >= kSmallest ? largest / 32767.0F : 0.0F);
  if (!finite) return words;
  for (int h = 0; h < 2; ++h) {
    words.half[h] = _mm256_packs_epi32(scaled(x + 16 * h, inverse), scaled(x + 16 * h + 8, inverse));
  }
  const __m256i ones = _mm256_set1_epi16(1);
  words.sum = _mm256_add_epi32(_mm256_madd_epi16(words.half[0], ones), _mm256_madd_epi16(words.half[1], ones));
  return words;
}

void write_wide(const Block& block, int64_t i, std::byte* record) {
  WordLine words[4];
  __m256i sums[4];
  for (int t = 0; t < 4; ++t) {
    words[t] = words_of(block.token[t] + i);
    sums[t] = words[t].sum;
  }
  for (int h = 0; h < 2; ++h) {
    const __m256i rows[4] = {words[0].half[h], words[1].half[h], words[2].half[h], words[3].half[h]};
    __m256i pairs[4];  // 0 2 | 1 3 | 4 6 | 5 7 in halves
    transpose(rows, pairs);
    std::byte* to = record + 128 * h;
    for (int j = 0; j < 4; ++j) {
      const int low = (j / 2) * 4 + j % 2;
      store16(to + 16 * low, _mm256_castsi256_si128(pairs[j]));
      store16(to + 16 * (low + 2), _mm256_extracti128_si256(pairs[j], 1));
    }
  }
  const __m128 scales = _mm_setr_ps(words[0].scale, words[1].scale, words[2].scale, words[3].scale);
  store16(record + kWideScalesAt, scales);
  store16(record + kWideSumsAt, _mm_mul_ps(scales, _mm_cvtepi32_ps(sum_each(sums))));
}

int64_t wide_bytes(int64_t n, int64_t k) { return blocks_of(n) * (k / 32) * kWideRecord; }

void round_wide(const float* x, int64_t n, int64_t k, int64_t begin, int64_t end, std::byte* out) {
  for (int64_t token = begin; token < end; token += kRoundedTokens) {
    const Block block = block_at(x, n, k, token);
    for (int64_t i = 0; i < k; i += 32) {
      write_wide(block, i, out + (token / kRoundedTokens * (k / 32) + i / 32) * kWideRecord);
    }
  }
}

}  // namespace

const Rounding kNarrowRounding{"multiples14", narrow_bytes, round_narrow};
const Rounding kWideRounding{"words32", wide_bytes, round_wide};

const std::byte* narrow_records(const Activations& x, int64_t block, int64_t begin) {
  return x.rounded + (block * (x.k / 32) + begin / 32) * kNarrowRecord;
}

const std::byte* wide_records(const Activations& x, int64_t block, int64_t begin) {
  return x.rounded + (block * (x.k / 32) + begin / 32) * kWideRecord;
}

const float* narrow_bases(const Activations& x) {
  return reinterpret_cast<const float*>(x.rounded + blocks_of(x.n) * (x.k / 32) * kNarrowRecord);
}

}  // namespace ifm::avx2
