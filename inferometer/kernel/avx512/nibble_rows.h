#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "inferometer/kernel/avx512/affine_row.h"
#include "inferometer/kernel/avx512/lanes.h"
#include "inferometer/kernel/avx512/sums.h"
#include "inferometer/tensor/weight_matrix.h"

// Rows of 4-bit weights in lines of 128 as decode reads them. Each has kGroup, a constructor from matrix and row, and
//   groups(first, count): scales and biases of up to 16 groups, one a lane, 0 beyond `count`;
//   line(i): the nibbles of 128 weights; part(i, values): of the last ones, fewer than 128;
//   fetch(i): a line that comes 2 KB later, into the L1 cache.
// GGML's have scales between the nibbles and so, for what does without groups(), also
//   scaled_line(i): with the words in which they lie;
//   groups_of(first, second): a pair's scales, and biases where kHasBiases, for its lanes.
namespace ifm::avx512 {

/// Inlined always: GCC takes a function that only fetches for one without effect, and its calls away.
[[gnu::always_inline]] static inline void fetch_behind(const std::byte* line) {
  _mm_prefetch(reinterpret_cast<const char*>(line + 2048), _MM_HINT_T0);
}

struct ScaledLine {
  __m512i nibbles;
  __m512i words;
};

/// MLX affine. G is 32 or 64; groups of 128 are read as two of 64 each (doubled).
template <int G, bool doubled, DType dtype>
class MlxNibbleRow {
 public:
  static constexpr int kGroup = G;

  MlxNibbleRow() = default;
  MlxNibbleRow(const WeightMatrix& w, int64_t row) : row_(w, row) {}

  [[gnu::always_inline]] [[nodiscard]] Groups groups(int64_t first, int64_t count) const { return row_.groups(first, count); }
  [[gnu::always_inline]] [[nodiscard]] __m512i line(int64_t i) const { return load_once(row_.bytes + 64 * i); }
  [[gnu::always_inline]] void fetch(int64_t i) const { fetch_behind(row_.bytes + 64 * i); }
  [[gnu::always_inline]] [[nodiscard]] __m512i part(int64_t i, int64_t values) const {
    return _mm512_maskz_loadu_epi8((__mmask64{1} << (values / 2)) - 1, row_.bytes + 64 * i);
  }

 private:
  AffineRow<dtype, doubled ? 2 : 1> row_;
};

/// GGML Q4_0 and Q4_1 (has_m): blocks of d, perhaps m, and 16 bytes. A line is four blocks.
template <bool has_m>
class GgmlNibbleRow {
 public:
  static constexpr int kGroup = 32;

  GgmlNibbleRow() = default;
  GgmlNibbleRow(const WeightMatrix& w, int64_t row) : blocks_(w.data + row * w.row_bytes) {}

  [[gnu::always_inline]] [[nodiscard]] Groups groups(int64_t first, int64_t count) const {
    const std::byte* at = blocks_ + first * kBlockBytes;
    const int64_t left = count * kBlockBytes;
    const auto load = [&](int64_t i) {
      const int64_t bytes = left - 64 * i;
      if (bytes >= 64) return _mm512_loadu_si512(at + 64 * i);
      return _mm512_maskz_loadu_epi16(bytes <= 0 ? 0 : (__mmask32{1} << (bytes / 2)) - 1, at + 64 * i);
    };
    if constexpr (has_m) {
      // d and m of block i are dword 5 i.
      const __m512i low =
          _mm512_permutex2var_epi32(load(0), _mm512_setr_epi32(0, 5, 10, 15, 20, 25, 30, 0, 0, 0, 0, 0, 0, 0, 0, 0), load(1));
      const __m512i middle =
          _mm512_permutex2var_epi32(load(2), _mm512_setr_epi32(0, 0, 0, 0, 0, 0, 0, 3, 8, 13, 18, 23, 28, 0, 0, 0), load(3));
      const __m512i high = _mm512_permutexvar_epi32(_mm512_setr_epi32(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 6, 11), load(4));
      const __m512i pairs = _mm512_mask_mov_epi32(_mm512_mask_mov_epi32(low, 0x1F80, middle), 0xE000, high);
      return {_mm512_cvtph_ps(_mm512_cvtepi32_epi16(pairs)),
              _mm512_cvtph_ps(_mm512_cvtepi32_epi16(_mm512_srli_epi32(pairs, 16)))};
    }
    // d of block i is word 9 i.
    const __m256i first_words = _mm256_setr_epi16(0, 9, 18, 27, 36, 45, 54, 63, 0, 0, 0, 0, 0, 0, 0, 0);
    const __m256i second_words = _mm256_setr_epi16(0, 0, 0, 0, 0, 0, 0, 0, 8, 17, 26, 35, 44, 53, 62, 0);
    const __m512i low = _mm512_permutex2var_epi16(load(0), _mm512_castsi256_si512(first_words), load(1));
    const __m512i middle = _mm512_permutex2var_epi16(load(2), _mm512_castsi256_si512(second_words), load(3));
    const __m512i high = _mm512_permutexvar_epi16(_mm512_set1_epi16(7), load(4));
    const __m256i lower = _mm256_mask_mov_epi16(_mm512_castsi512_si256(low), 0x7F00, _mm512_castsi512_si256(middle));
    const __m512 d = _mm512_cvtph_ps(_mm256_mask_mov_epi16(lower, 0x8000, _mm512_castsi512_si256(high)));
    return {d, _mm512_mul_ps(_mm512_set1_ps(-8.0F), d)};
  }

  [[gnu::always_inline]] void fetch(int64_t i) const {
    fetch_behind(blocks_ + 4 * i * kBlockBytes);
    if (i % (has_m ? 4 : 8) == 0) fetch_behind(blocks_ + 4 * i * kBlockBytes + 64);  // lines of 80 or 72 bytes
  }

  static constexpr bool kHasBiases = has_m;  ///< else weights are nibbles less 8

  [[gnu::always_inline]] [[nodiscard]] ScaledLine scaled_line(int64_t i) const {
    // The scales of all four blocks lie within the line's first 64 bytes.
    const std::byte* at = blocks_ + 4 * i * kBlockBytes;
    const __m512i first = load_once(at);
    return {in_line(first, load_once(at + 4 * kBlockBytes - 64)), first};
  }
  [[gnu::always_inline]] static Groups groups_of(const ScaledLine& first, const ScaledLine& second) {
    Groups out{spread_words(first.words, second.words, 0), _mm512_setzero_ps()};
    if constexpr (has_m) out.bias = spread_words(first.words, second.words, 1);
    return out;
  }

  [[gnu::always_inline]] [[nodiscard]] __m512i line(int64_t i) const {
    const std::byte* at = blocks_ + 4 * i * kBlockBytes;
    return in_line(load_once(at), load_once(at + 4 * kBlockBytes - 64));
  }
  [[gnu::always_inline]] [[nodiscard]] __m512i part(int64_t i, int64_t values) const { return blocks(i, values / 32); }

 private:
  static constexpr int64_t kNibblesAt = has_m ? 4 : 2;
  static constexpr int64_t kBlockBytes = kNibblesAt + 16;

  /// The nibbles of a line out of its first 64 bytes and its last 64; what lies behind the first ones is index 32 (16) less 4 in
  /// the last.
  [[gnu::always_inline]] static __m512i in_line(__m512i first, __m512i last) {
    if constexpr (has_m) {
      return _mm512_permutex2var_epi32(first, _mm512_setr_epi32(1, 2, 3, 4, 6, 7, 8, 9, 11, 12, 13, 14, 28, 29, 30, 31), last);
    }
    const __m512i words = _mm512_set_epi16(63, 62, 61, 60, 31, 30, 29, 28, 26, 25, 24, 23, 22, 21, 20, 19, 17, 16, 15, 14, 13, 12,
                                           11, 10, 8, 7, 6, 5, 4, 3, 2, 1);
    return _mm512_permutex2var_epi16(first, words, last);
  }
  /// Word `at` of each block of two lines as f32, for the lanes of the pair.
  [[gnu::always_inline]] static __m512 spread_words(__m512i first, __m512i second, int at) {
    constexpr int kWords = kBlockBytes / 2;
    const auto both = [&](int block) {
      const int word = kWords * block + at;
      return _mm_setr_epi16(word, word, word + 32, word + 32, 0, 0, 0, 0);
    };
    const __m256i places = _mm256_setr_m128i(_mm_unpacklo_epi64(both(0), both(1)), _mm_unpacklo_epi64(both(2), both(3)));
    return _mm512_cvtph_ps(_mm512_castsi512_si256(_mm512_permutex2var_epi16(first, _mm512_castsi256_si512(places), second)));
  }

  [[gnu::always_inline]] [[nodiscard]] __m512i blocks(int64_t i, int64_t count) const {
    const std::byte* at = blocks_ + 4 * i * kBlockBytes + kNibblesAt;
    const auto load = [&](int64_t b) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + b * kBlockBytes)); };
    __m512i v = _mm512_zextsi128_si512(load(0));
    if (count > 1) v = _mm512_mask_broadcast_i32x4(v, 0x00F0, load(1));
    if (count > 2) v = _mm512_mask_broadcast_i32x4(v, 0x0F00, load(2));
    if (count > 3) v = _mm512_mask_broadcast_i32x4(v, 0xF000, load(3));
    return v;
  }

  const std::byte* blocks_ = nullptr;
};

}  // namespace ifm::avx512
