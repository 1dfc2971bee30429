#include "inferometer/kernel/avx2/steps.h"

#include "inferometer/kernel/avx2/vector.h"

namespace ifm::avx2 {
namespace {

/// Bytes of the parts of a token. Sums are padded to whole chunks of 256 values.
struct TokenLayout {
  TokenLayout(int64_t k, int64_t step_bytes)
      : steps((k + kStepValues - 1) / kStepValues),
        chunks((k + 255) / 256),
        sums_at(steps * step_bytes),
        bytes((sums_at + chunks * 96 + 63) / 64 * 64) {}
  int64_t steps, chunks, sums_at, bytes;
};

/// A step's lanes before they are stored.
struct Step {
  __m256 v[8];  // its values in order, 8 in each
};

void store(std::byte* to, __m256i v) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), v); }

/// The magnitudes as integers, so that infinity and NaN are larger than all numbers.
__m256i magnitude(__m256 v) { return _mm256_and_si256(_mm256_castps_si256(v), _mm256_set1_epi32(0x7FFFFFFF)); }

__m256i max_in_fours(__m256i v) {
  v = _mm256_max_epu32(v, _mm256_shuffle_epi32(v, 0x4E));
  return _mm256_max_epu32(v, _mm256_shuffle_epi32(v, 0xB1));
}

/// 127 / top, and top / 127, by lanes; NaN scales where top is not finite.
struct Scaling {
  __m256 inverse, scale;
};
Scaling scaling_of(__m256i top_bits) {
  const __m256 top = _mm256_castsi256_ps(top_bits);
  const __m256 bad = _mm256_castsi256_ps(_mm256_cmpgt_epi32(top_bits, _mm256_set1_epi32(0x7F7FFFFF)));
  const __m256 limit = _mm256_set1_ps(127.0F);
  // The reciprocal of what is smaller than 127 / the largest float would be infinite.
  const __m256 used = _mm256_andnot_ps(bad, _mm256_cmp_ps(top, _mm256_set1_ps(0x1p-100F), _CMP_GE_OQ));
  const __m256 scale = _mm256_and_ps(used, _mm256_div_ps(top, limit));
  return {_mm256_and_ps(used, _mm256_div_ps(limit, top)), _mm256_blendv_ps(scale, _mm256_set1_ps(__builtin_nanf("")), bad)};
}

/// v * inverse as integers, zeros where inverse is zero.
__m256i scaled(__m256 v, __m256 inverse) {
  const __m256 used = _mm256_cmp_ps(inverse, _mm256_setzero_ps(), _CMP_NEQ_OQ);
  return _mm256_cvtps_epi32(_mm256_and_ps(used, _mm256_mul_ps(v, inverse)));
}

/// 32 integers as bytes in order.
__m256i bytes_of(__m256i a, __m256i b, __m256i c, __m256i d) {
  const __m256i mixed = _mm256_packs_epi16(_mm256_packs_epi32(a, b), _mm256_packs_epi32(c, d));
  return _mm256_permutevar8x32_epi32(mixed, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}

/// Lane L = the first lane of half L % 2 of v[L / 2].
__m256 first_of_halves(__m256 a, __m256 b, __m256 c, __m256 d) {
  const __m256d low = _mm256_castps_pd(_mm256_unpacklo_ps(a, b));
  const __m256d high = _mm256_castps_pd(_mm256_unpacklo_ps(c, d));
  return _mm256_permutevar8x32_ps(_mm256_castpd_ps(_mm256_unpacklo_pd(low, high)), _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}

/// What a step becomes.
struct Packed {
  __m256i first, last;  // bytes
  __m256 scales;
};

/// Lanes of vector i and of vector i + `distance` share scales, four values of each.
Packed pack_pairs(const Step& step, const int (&pairs)[4][2]) {
  __m256i q[8];
  __m256 scales[4];
  for (int i = 0; i < 4; ++i) {
    const __m256 a = step.v[pairs[i][0]];
    const __m256 b = step.v[pairs[i][1]];
    const Scaling scaling = scaling_of(max_in_fours(_mm256_max_epu32(magnitude(a), magnitude(b))));
    q[i] = scaled(a, scaling.inverse);
    q[i + 4] = scaled(b, scaling.inverse);
    scales[i] = scaling.scale;
  }
  return {bytes_of(q[0], q[1], q[2], q[3]), bytes_of(q[4], q[5], q[6], q[7]),
          first_of_halves(scales[0], scales[1], scales[2], scales[3])};
}

Packed pack_by16(const Step& step) { return pack_pairs(step, {{0, 2}, {1, 3}, {4, 6}, {5, 7}}); }
Packed pack_by32(const Step& step) { return pack_pairs(step, {{0, 4}, {1, 5}, {2, 6}, {3, 7}}); }

Packed pack_split(const Step& step) {
  __m256i q[8];
  __m256 scales[8];
  for (int i = 0; i < 8; ++i) {
    const __m256i fours = max_in_fours(magnitude(step.v[i]));
    const Scaling scaling = scaling_of(_mm256_max_epu32(fours, _mm256_permute2x128_si256(fours, fours, 1)));
    q[i] = scaled(step.v[i], scaling.inverse);
    scales[i] = scaling.scale;
  }
  // Within each 8 bytes the four even ones, then the four odd ones; then dwords alternate.
  const __m256i order = _mm256_setr_epi8(0, 2, 4, 6, 1, 3, 5, 7, 8, 10, 12, 14, 9, 11, 13, 15, 0, 2, 4, 6, 1, 3, 5, 7, 8, 10, 12,
                                         14, 9, 11, 13, 15);
  const __m256 a = _mm256_castsi256_ps(_mm256_shuffle_epi8(bytes_of(q[0], q[1], q[2], q[3]), order));
  const __m256 b = _mm256_castsi256_ps(_mm256_shuffle_epi8(bytes_of(q[4], q[5], q[6], q[7]), order));
  const __m256i even = _mm256_permute4x64_epi64(_mm256_castps_si256(_mm256_shuffle_ps(a, b, 0x88)), 0xD8);
  const __m256i odd = _mm256_permute4x64_epi64(_mm256_castps_si256(_mm256_shuffle_ps(a, b, 0xDD)), 0xD8);
  const __m256 low = first_of_halves(scales[0], scales[2], scales[4], scales[6]);
  const __m256 high = first_of_halves(scales[1], scales[3], scales[5], scales[7]);
  return {even, odd, _mm256_blend_ps(low, high, 0xAA)};
}

/// Sums of four signed bytes in each lane.
__m256i fours(__m256i bytes) { return _mm256_madd_epi16(_mm256_maddubs_epi16(_mm256_set1_epi8(1), bytes), _mm256_set1_epi16(1)); }

/// {a low, a high, b low, b high} sums of halves.
__m128 sum_halves(__m256 a, __m256 b) {
  const __m256 pairs = _mm256_hadd_ps(a, b);
  const __m256 sums = _mm256_hadd_ps(pairs, pairs);  // a low, b low | a high, b high
  return _mm_unpacklo_ps(_mm256_castps256_ps128(sums), _mm256_extractf128_ps(sums, 1));
}

/// Values from `there` on are zeros.
Step load_step(const float* x, int64_t there) {
  Step step{};
  for (int64_t i = 0; i < 8 && 8 * i < there; ++i) step.v[i] = _mm256_loadu_ps(x + 8 * i);
  return step;
}

/// Where a token's sums of each 32 and each 16 values stand.
struct Sums {
  Sums(std::byte* token, const TokenLayout& layout)
      : of32(reinterpret_cast<float*>(token + layout.sums_at)), of16(of32 + 8 * layout.chunks) {
    for (int64_t i = 0; i < 24 * layout.chunks; i += 8) _mm256_storeu_ps(of32 + i, _mm256_setzero_ps());
  }
  float* of32;
  float* of16;
};

template <typename Pack>
void round_eights(const float* x, int64_t k, std::byte* out, bool halves_are_blocks, const Pack& pack) {
  const TokenLayout layout(k, kStepBytes);
  const Sums sums(out, layout);
  for (int64_t s = 0; s < layout.steps; ++s) {
    const Packed packed = pack(load_step(x + s * kStepValues, k - s * kStepValues));
    std::byte* to = out + s * kStepBytes;
    store(to, packed.first);
    store(to + 32, packed.last);
    store(to + 64, _mm256_castps_si256(packed.scales));
    const __m256 first = _mm256_mul_ps(_mm256_cvtepi32_ps(fours(packed.first)), packed.scales);
    const __m256 last = _mm256_mul_ps(_mm256_cvtepi32_ps(fours(packed.last)), packed.scales);
    const __m128 quarters = sum_halves(first, last);
    if (halves_are_blocks) {  // lanes 0 … 3 are the first 32 values
      const __m128 both = _mm_add_ps(quarters, _mm_movehl_ps(quarters, quarters));
      _mm_storel_pi(reinterpret_cast<__m64*>(sums.of32 + 2 * s), both);
    } else {
      _mm_storeu_ps(sums.of16 + 4 * s, quarters);
      const __m128 pairs = _mm_hadd_ps(quarters, quarters);
      _mm_storel_pi(reinterpret_cast<__m64*>(sums.of32 + 2 * s), pairs);
    }
  }
}

int64_t eights_bytes(int64_t n, int64_t k) { return n * TokenLayout(k, kStepBytes).bytes; }
int64_t word_steps_bytes(int64_t n, int64_t k) { return n * TokenLayout(k, kWordStepBytes).bytes; }

void round_split(const float* x, int64_t, int64_t k, int64_t begin, int64_t end, std::byte* out) {
  for (int64_t t = begin; t < end; ++t) round_eights(x + t * k, k, out + eights_bytes(t, k), true, pack_split);
}
void round_by16(const float* x, int64_t, int64_t k, int64_t begin, int64_t end, std::byte* out) {
  for (int64_t t = begin; t < end; ++t) round_eights(x + t * k, k, out + eights_bytes(t, k), true, pack_by16);
}
void round_by32(const float* x, int64_t, int64_t k, int64_t begin, int64_t end, std::byte* out) {
  for (int64_t t = begin; t < end; ++t) round_eights(x + t * k, k, out + eights_bytes(t, k), false, pack_by32);
}

/// 32 values as whole numbers of 16 bits, 8 in each vector.
struct WordBlock {
  __m256i q[4];
  float scale;
};
WordBlock round_32(const __m256* v) {
  __m256i top = magnitude(v[0]);
  for (int i = 1; i < 4; ++i) top = _mm256_max_epu32(top, magnitude(v[i]));
  const bool finite = _mm256_movemask_epi8(_mm256_cmpgt_epi32(top, _mm256_set1_epi32(0x7F7FFFFF))) == 0;
  const float largest = finite ? max8(_mm256_castsi256_ps(top)) : 0.0F;
  const bool used = largest >= 0x1p-100F;
  const __m256 inverse = _mm256_set1_ps(used ? 32767.0F / largest : 0.0F);
  WordBlock block{};
  for (int i = 0; i < 4; ++i) block.q[i] = scaled(v[i], inverse);
  block.scale = !finite ? __builtin_nanf("") : (used ? largest / 32767.0F : 0.0F);
  return block;
}

/// Two vectors of whole numbers as 16 words in order.
__m256i words_of(__m256i a, __m256i b) { return _mm256_permute4x64_epi64(_mm256_packs_epi32(a, b), 0xD8); }

/// The even or odd ones of two vectors, in order.
template <int odd>
__m256i every_second(__m256i a, __m256i b) {
  const __m256 mixed = _mm256_shuffle_ps(_mm256_castsi256_ps(a), _mm256_castsi256_ps(b), odd == 0 ? 0x88 : 0xDD);
  return _mm256_permute4x64_epi64(_mm256_castps_si256(mixed), 0xD8);
}

enum class Order { split, by16, by32 };

/// q: 64 whole numbers in order, 8 in each vector.
template <Order order>
void store_words(const __m256i* q, std::byte* to) {
  if constexpr (order == Order::split) {
    store(to, words_of(every_second<0>(q[0], q[1]), every_second<0>(q[4], q[5])));
    store(to + 32, words_of(every_second<0>(q[2], q[3]), every_second<0>(q[6], q[7])));
    store(to + 64, words_of(every_second<1>(q[0], q[1]), every_second<1>(q[4], q[5])));
    store(to + 96, words_of(every_second<1>(q[2], q[3]), every_second<1>(q[6], q[7])));
  } else {
    constexpr int kFar = order == Order::by16 ? 4 : 2;   // from the low half's vector to the high half's
    constexpr int kLast = order == Order::by16 ? 2 : 4;  // from a lane's first four to its last
    for (int i = 0; i < 2; ++i) {
      store(to + 32 * i, words_of(q[i], q[i + kFar]));
      store(to + 64 + 32 * i, words_of(q[i + kLast], q[i + kLast + kFar]));
    }
  }
}

template <Order order>
void round_word_steps(const float* x, int64_t, int64_t k, int64_t begin, int64_t end, std::byte* out) {
  const TokenLayout layout(k, kWordStepBytes);
  for (int64_t t = begin; t < end; ++t) {
    std::byte* token = out + t * layout.bytes;
    const Sums sums(token, layout);
    for (int64_t s = 0; s < layout.steps; ++s) {
      const Step step = load_step(x + t * k + s * kStepValues, k - s * kStepValues);
      const WordBlock blocks[2] = {round_32(step.v), round_32(step.v + 4)};
      __m256i q[8];
      for (int i = 0; i < 8; ++i) q[i] = blocks[i / 4].q[i % 4];
      std::byte* to = token + s * kWordStepBytes;
      store_words<order>(q, to);
      store(to + 128, _mm256_castps_si256(_mm256_set_m128(_mm_set1_ps(blocks[1].scale), _mm_set1_ps(blocks[0].scale))));
      for (int h = 0; h < 4; ++h) {
        const __m256 sixteen = _mm256_cvtepi32_ps(_mm256_add_epi32(q[2 * h], q[2 * h + 1]));
        sums.of16[4 * s + h] = blocks[h / 2].scale * sum8(sixteen);
      }
      sums.of32[2 * s] = sums.of16[4 * s] + sums.of16[4 * s + 1];
      sums.of32[2 * s + 1] = sums.of16[4 * s + 2] + sums.of16[4 * s + 3];
    }
  }
}

/// Scales and sums are padded to whole chunks of 256 values.
int64_t word_token_bytes(int64_t k) { return (2 * k + (k + 255) / 256 * 64 + 63) / 64 * 64; }
int64_t words_bytes(int64_t n, int64_t k) { return n * word_token_bytes(k); }

void round_words(const float* x, int64_t, int64_t k, int64_t begin, int64_t end, std::byte* out) {
  const int64_t padded = (k + 255) / 256 * 8;
  for (int64_t t = begin; t < end; ++t) {
    std::byte* to = out + t * word_token_bytes(k);
    auto* scales = reinterpret_cast<float*>(to + 2 * k);
    for (int64_t i = 0; i < 2 * padded; i += 8) _mm256_storeu_ps(scales + i, _mm256_setzero_ps());
    for (int64_t g = 0; g < k / 32; ++g) {
      const Step step = load_step(x + t * k + 32 * g, 32);
      const WordBlock block = round_32(step.v);
      store(to + 64 * g, words_of(block.q[0], block.q[1]));
      store(to + 64 * g + 32, words_of(block.q[2], block.q[3]));
      const __m256i sum = _mm256_add_epi32(_mm256_add_epi32(block.q[0], block.q[1]), _mm256_add_epi32(block.q[2], block.q[3]));
      scales[g] = block.scale;
      scales[padded + g] = block.scale * sum8(_mm256_cvtepi32_ps(sum));
    }
  }
}

}  // namespace

const Rounding kSplitRounding{"eights", eights_bytes, round_split};
const Rounding kBy16Rounding{"eights16", eights_bytes, round_by16};
const Rounding kBy32Rounding{"eights32", eights_bytes, round_by32};
const Rounding kSplitWordRounding{"words32", word_steps_bytes, round_word_steps<Order::split>};
const Rounding kBy16WordRounding{"words32", word_steps_bytes, round_word_steps<Order::by16>};
const Rounding kBy32WordRounding{"words32", word_steps_bytes, round_word_steps<Order::by32>};
const Rounding kWordRounding{"words32", words_bytes, round_words};

namespace {

void find_steps(const Activations& x, int64_t token, int64_t step_bytes, Steps& to) {
  const TokenLayout layout(x.k, step_bytes);
  to.at = x.rounded + token * layout.bytes;
  to.sums32 = reinterpret_cast<const float*>(to.at + layout.sums_at);
  to.sums16 = to.sums32 + 8 * layout.chunks;
}

}  // namespace

void find_token(const Activations& x, int64_t token, Steps& to) { find_steps(x, token, kStepBytes, to); }
void find_token(const Activations& x, int64_t token, WordSteps& to) { find_steps(x, token, kWordStepBytes, to); }

void find_token(const Activations& x, int64_t token, Words& to) {
  const std::byte* at = x.rounded + token * word_token_bytes(x.k);
  const auto* scales = reinterpret_cast<const float*>(at + 2 * x.k);
  to = {reinterpret_cast<const int16_t*>(at), scales, scales + (x.k + 255) / 256 * 8};
}

}  // namespace ifm::avx2
