#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "inferometer/kernel/avx512/affine_row.h"
#include "inferometer/kernel/avx512/sums.h"
#include "inferometer/tensor/weight_matrix.h"

// Rows of 8-bit weights as decode reads them, in lines of 64: 16 lanes with a quad each. Each has kZero, which is taken off the
// bytes, kHasOffsets, and
//   groups(first, count): scales and biases of up to 16 groups of 32, one a lane, 0 beyond `count`;
//   line(i) and part(i), the bytes of 64 weights or of the last 32.
namespace ifm::avx512 {

/// MLX affine with groups of G = 32, 64 or 128.
template <int G, DType dtype>
class MlxByteRow {
 public:
  static constexpr int kZero = 0;
  static constexpr bool kHasOffsets = true;

  MlxByteRow() = default;
  MlxByteRow(const WeightMatrix& w, int64_t row) : row_(w, row) {}

  [[gnu::always_inline]] [[nodiscard]] Groups groups(int64_t first, int64_t count) const { return row_.groups(first, count); }
  [[gnu::always_inline]] [[nodiscard]] __m512i line(int64_t i) const { return load_once(row_.bytes + 64 * i); }
  [[gnu::always_inline]] [[nodiscard]] __m512i part(int64_t i) const {
    return _mm512_maskz_loadu_epi32(0x00FF, row_.bytes + 64 * i);
  }

 private:
  AffineRow<dtype, G / 32> row_;
};

/// GGML Q8_0: blocks of d and 32 bytes, signed.
class Q8Row {
 public:
  static constexpr int kZero = 128;
  static constexpr bool kHasOffsets = false;

  Q8Row() = default;
  Q8Row(const WeightMatrix& w, int64_t row) : blocks_(w.data + row * w.row_bytes) {}

  [[gnu::always_inline]] [[nodiscard]] __m512i line(int64_t i) const {
    return as_unsigned(_mm512_inserti64x4(_mm512_castsi256_si512(block(2 * i)), block(2 * i + 1), 1));
  }
  [[gnu::always_inline]] [[nodiscard]] __m512i part(int64_t i) const { return as_unsigned(_mm512_zextsi256_si512(block(2 * i))); }
  /// Of line(i), one a lane.
  [[gnu::always_inline]] [[nodiscard]] __m512 line_scales(int64_t i) const {
    return _mm512_cvtph_ps(_mm256_mask_mov_epi16(half(2 * i), 0xFF00, half(2 * i + 1)));
  }
  [[gnu::always_inline]] [[nodiscard]] __m512 part_scales(int64_t i) const {
    return _mm512_cvtph_ps(_mm256_maskz_mov_epi16(0x00FF, half(2 * i)));
  }

 private:
  static constexpr int64_t kBytes = 34;

  static __m512i as_unsigned(__m512i bytes) { return _mm512_xor_si512(bytes, _mm512_set1_epi8(static_cast<char>(kZero))); }
  [[nodiscard]] __m256i block(int64_t i) const {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(blocks_ + i * kBytes + 2));
  }
  [[nodiscard]] __m256i half(int64_t i) const {
    uint16_t bits = 0;
    __builtin_memcpy(&bits, blocks_ + i * kBytes, 2);
    return _mm256_set1_epi16(static_cast<int16_t>(bits));
  }

  const std::byte* blocks_ = nullptr;
};

}  // namespace ifm::avx512
