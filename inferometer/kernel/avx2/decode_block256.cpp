#include "inferometer/kernel/avx2/avx2.h"
#include "inferometer/kernel/avx2/decode.h"

// GGML's super-blocks of 256, four steps each. A sub-block's whole-number scale multiplies pairs of dots while they are added, so
// that a super-block needs one multiplication by its f32 scale.
namespace ifm::avx2 {
namespace {

IFM_INLINE __m256i load32(const std::byte* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }
IFM_INLINE __m256i low_nibbles(__m256i v) { return _mm256_and_si256(v, _mm256_set1_epi8(15)); }
IFM_INLINE __m256i high_nibbles(__m256i v) { return low_nibbles(_mm256_srli_epi16(v, 4)); }

/// A step of a row: unsigned bytes of values 0 … 31 and 32 … 63, and the whole-number scale of each pair of values.
struct SubStep {
  __m256i bytes[2];
  __m256i scales[2];
};

/// Adds a step's products, with the scales of both sides, to lanes.
template <int R, int T>
IFM_INLINE void add_step(const DecodeTile<Steps, R, T>& tile, int64_t step, const SubStep (&rows)[R], __m256 (&lanes)[R][T]) {
  unroll<T>([&](auto t) IFM_INLINE_LAMBDA {
    const std::byte* at = tile.x[t].at + step * kStepBytes;
    const __m256i x_first = load_once(at);
    const __m256i x_last = load_once(at + 32);
    const __m256 x_scales = _mm256_castsi256_ps(load_once(at + 64));
    unroll<R>([&](auto r) IFM_INLINE_LAMBDA {
      const __m256i first = _mm256_madd_epi16(_mm256_maddubs_epi16(rows[r].bytes[0], x_first), rows[r].scales[0]);
      const __m256i second = _mm256_madd_epi16(_mm256_maddubs_epi16(rows[r].bytes[1], x_last), rows[r].scales[1]);
      lanes[r][t] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(_mm256_add_epi32(first, second)), x_scales, lanes[r][t]);
    });
  });
}

template <int R, int T>
IFM_INLINE void add_step(const DecodeTile<WordSteps, R, T>& tile, int64_t step, const SubStep (&rows)[R], __m256 (&lanes)[R][T]) {
  unroll<R>([&](auto r) IFM_INLINE_LAMBDA {
    unroll<2>([&](auto side) IFM_INLINE_LAMBDA {
      const __m256 scales = _mm256_cvtepi32_ps(_mm256_srai_epi32(rows[r].scales[side], 16));
      unroll<T>([&](auto t) IFM_INLINE_LAMBDA {
        const std::byte* at = tile.x[t].at + step * kWordStepBytes;
        const __m256 x_scale = _mm256_broadcast_ss(reinterpret_cast<const float*>(at + 128 + 16 * side));
        const __m256 dots = _mm256_cvtepi32_ps(dot_words(rows[r].bytes[side], at + 64 * side));
        lanes[r][t] = _mm256_fmadd_ps(dots, _mm256_mul_ps(scales, x_scale), lanes[r][t]);
      });
    });
  });
}

/// Adds what a super-block's steps gave, times its scale.
template <int R, int T>
IFM_INLINE void close_block(const __m256 (&scales)[R], const __m256 (&lanes)[R][T], RowSum (&sums)[R][T]) {
  unroll<R * T>([&](auto i) IFM_INLINE_LAMBDA {
    RowSum& sum = sums[i / T][i % T];
    sum.lanes = _mm256_fmadd_ps(scales[i / T], lanes[i / T][i % T], sum.lanes);
  });
}

/// Word `first` in the low half, word `second` in the high one.
IFM_INLINE __m256i spread_words(__m256i words, int first, int second) {
  const auto pair = [](int word) { return static_cast<int16_t>(2 * word | (2 * word + 1) << 8); };
  const __m256i order = _mm256_set_m128i(_mm_set1_epi16(pair(second)), _mm_set1_epi16(pair(first)));
  return _mm256_shuffle_epi8(words, order);
}

/// Scales as eight words, in both halves, and minimums as f32, of the 12 bytes of q4_k and q5_k.
struct ScalesAndMins {
  __m256i scales;
  __m256 mins;
};
IFM_INLINE ScalesAndMins load_scales(const std::byte* packed) {
  uint32_t a = 0;
  uint32_t b = 0;
  uint32_t c = 0;
  std::memcpy(&a, packed, 4);
  std::memcpy(&b, packed + 4, 4);
  std::memcpy(&c, packed + 8, 4);
  const auto join = [](uint32_t low, uint32_t high) { return static_cast<int64_t>(static_cast<uint64_t>(high) << 32 | low); };
  const int64_t scales = join(a & 0x3F3F3F3FU, (c & 0x0F0F0F0FU) | (a >> 2 & 0x30303030U));
  const int64_t mins = join(b & 0x3F3F3F3FU, (c >> 4 & 0x0F0F0F0FU) | (b >> 2 & 0x30303030U));
  const __m128i words = _mm_cvtepu8_epi16(_mm_cvtsi64_si128(scales));
  return {_mm256_set_m128i(words, words), _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_cvtsi64_si128(mins)))};
}

/// Step s of a super-block at `at`.
template <bool fifth, int s>
IFM_INLINE SubStep load_q45_step(const std::byte* at, __m256i scales) {
  const __m256i pairs = load_once(at + (fifth ? 48 : 16) + 32 * s);
  SubStep step{{low_nibbles(pairs), high_nibbles(pairs)},
               {spread_words(scales, 2 * s, 2 * s), spread_words(scales, 2 * s + 1, 2 * s + 1)}};
  if constexpr (fifth) {
    const __m256i high = _mm256_srli_epi16(load32(at + 16), 2 * s);
    const __m256i bit = _mm256_set1_epi8(16);
    step.bytes[0] = _mm256_or_si256(step.bytes[0], _mm256_and_si256(_mm256_slli_epi16(high, 4), bit));
    step.bytes[1] = _mm256_or_si256(step.bytes[1], _mm256_and_si256(_mm256_slli_epi16(high, 3), bit));
  }
  return step;
}

template <bool fifth, typename X, int R, int T>
IFM_INLINE void take_q45_k(const WeightMatrix& w, const DecodeTile<X, R, T>& tile, RowSum (&sums)[R][T]) {
  constexpr int64_t kBytes = fifth ? 176 : 144;
  for (int64_t block = 0; block < w.cols / 256; ++block) {
    __m256i scales[R];
    __m256 d[R];
    __m256 lanes[R][T];
    unroll<R>([&](auto r) IFM_INLINE_LAMBDA {
      const std::byte* at = tile.rows[r] + block * kBytes;
      const ScalesAndMins both = load_scales(at + 4);
      scales[r] = both.scales;
      d[r] = _mm256_set1_ps(one_f16(at));
      const __m256 bias = _mm256_mul_ps(both.mins, _mm256_set1_ps(-one_f16(at + 2)));
      unroll<T>([&](auto t) IFM_INLINE_LAMBDA {
        add_biases(bias, tile.x[t].sums32 + 8 * block, sums[r][t]);
        lanes[r][t] = _mm256_setzero_ps();
      });
    });
    unroll<4>([&](auto s) IFM_INLINE_LAMBDA {
      SubStep rows[R];
      unroll<R>([&](auto r) IFM_INLINE_LAMBDA {
        rows[r] = load_q45_step<fifth, decltype(s)::kValue>(tile.rows[r] + block * kBytes, scales[r]);
      });
      add_step(tile, 4 * block + s, rows, lanes);
    });
    close_block(d, lanes, sums);
  }
}

/// Biases of 16 values each: -32 d scale. `half`: of the first or second 128 values.
IFM_INLINE __m256 centre_of(const std::byte* scales, int64_t half, __m256 d) {
  const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(scales + 8 * half));
  return _mm256_mul_ps(_mm256_mul_ps(d, _mm256_set1_ps(-32.0F)), _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes)));
}

/// Two steps of half a super-block: values l, l + 32, l + 64, l + 96 share two bytes of nibbles and four bit pairs of a third.
template <int half>
IFM_INLINE void load_q6_steps(const std::byte* at, SubStep& near, SubStep& far) {
  const __m256i two = _mm256_set1_epi8(0x30);
  const __m256i a = load_once(at + 64 * half);
  const __m256i b = load_once(at + 64 * half + 32);
  const __m256i high = load_once(at + 128 + 32 * half);
  near.bytes[0] = _mm256_or_si256(low_nibbles(a), _mm256_and_si256(_mm256_slli_epi16(high, 4), two));
  near.bytes[1] = _mm256_or_si256(low_nibbles(b), _mm256_and_si256(_mm256_slli_epi16(high, 2), two));
  far.bytes[0] = _mm256_or_si256(high_nibbles(a), _mm256_and_si256(high, two));
  far.bytes[1] = _mm256_or_si256(high_nibbles(b), _mm256_and_si256(_mm256_srli_epi16(high, 2), two));
  const __m128i eight = _mm_cvtepi8_epi16(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(at + 192 + 8 * half)));
  const __m256i words = _mm256_set_m128i(eight, eight);
  near.scales[0] = spread_words(words, 0, 1);
  near.scales[1] = spread_words(words, 2, 3);
  far.scales[0] = spread_words(words, 4, 5);
  far.scales[1] = spread_words(words, 6, 7);
}

template <typename X, int R, int T>
IFM_INLINE void take_q6_k(const WeightMatrix& w, const DecodeTile<X, R, T>& tile, RowSum (&sums)[R][T]) {
  for (int64_t block = 0; block < w.cols / 256; ++block) {
    __m256 d[R];
    __m256 lanes[R][T];
    unroll<R>([&](auto r) IFM_INLINE_LAMBDA {
      const std::byte* at = tile.rows[r] + block * 210;
      d[r] = _mm256_set1_ps(one_f16(at + 208));
      const __m256 near = centre_of(at + 192, 0, d[r]);
      const __m256 far = centre_of(at + 192, 1, d[r]);
      unroll<T>([&](auto t) IFM_INLINE_LAMBDA {
        add_biases(near, tile.x[t].sums16 + 16 * block, sums[r][t]);
        add_biases(far, tile.x[t].sums16 + 16 * block + 8, sums[r][t]);
        lanes[r][t] = _mm256_setzero_ps();
      });
    });
    unroll<2>([&](auto h) IFM_INLINE_LAMBDA {
      SubStep near[R];
      SubStep far[R];
      unroll<R>([&](auto r)
                    IFM_INLINE_LAMBDA { load_q6_steps<decltype(h)::kValue>(tile.rows[r] + block * 210, near[r], far[r]); });
      add_step(tile, 4 * block + 2 * h, near, lanes);
      add_step(tile, 4 * block + 2 * h + 1, far, lanes);
    });
    close_block(d, lanes, sums);
  }
}

template <typename X>
void all_tiles(const MatmulTask& task) {
  const WeightMatrix& w = *task.weights;
  if (w.packing == Packing::q4_k) {
    for_tiles<X>(task, [&w](const auto& tile, auto& sums) IFM_INLINE_LAMBDA { take_q45_k<false>(w, tile, sums); });
  } else if (w.packing == Packing::q5_k) {
    for_tiles<X>(task, [&w](const auto& tile, auto& sums) IFM_INLINE_LAMBDA { take_q45_k<true>(w, tile, sums); });
  } else {
    for_tiles<X>(task, [&w](const auto& tile, auto& sums) IFM_INLINE_LAMBDA { take_q6_k(w, tile, sums); });
  }
}

}  // namespace

void decode_block256(const MatmulTask& task) { all_tiles<Steps>(task); }
void decode_block256_words(const MatmulTask& task) { all_tiles<WordSteps>(task); }

}  // namespace ifm::avx2
