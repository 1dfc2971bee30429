#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "inferometer/kernel/avx512/lanes.h"
#include "inferometer/kernel/avx512/sums.h"
#include "inferometer/tensor/weight_matrix.h"

// Rows of 8-bit weights as decode reads them, in lines of 64: 16 lanes with a quad each. Each has kZero, which is taken off the
// bytes, kHasOffsets, and
//   groups(first, count): scales and offsets of up to 16 groups of 32, one a lane, 0 beyond `count`;
//   line(i) and part(i), the bytes of 64 weights or of the last 32.
namespace ifm::avx512 {

struct ByteGroups {
  __m512 scale;
  __m512 offset;  ///< times sums of inputs
};

/// MLX affine with groups of G = 32, 64 or 128.
template <int G, DType dtype>
class MlxByteRow {
 public:
  static constexpr int kZero = 0;
  static constexpr bool kHasOffsets = true;

  MlxByteRow() = default;
  MlxByteRow(const WeightMatrix& w, int64_t row) : bytes_(w.data + row * w.row_bytes) {
    const int64_t groups_bytes = w.cols / w.group * kScaleBytes;
    scales_ = w.scales + row * groups_bytes;
    biases_ = w.biases + row * groups_bytes;
  }

  [[gnu::always_inline]] [[nodiscard]] ByteGroups groups(int64_t first, int64_t count) const {
    return {load_groups(scales_, first, count), load_groups(biases_, first, count)};
  }
  [[gnu::always_inline]] [[nodiscard]] __m512i line(int64_t i) const { return load_once(bytes_ + 64 * i); }
  [[gnu::always_inline]] [[nodiscard]] __m512i part(int64_t i) const { return _mm512_maskz_loadu_epi32(0x00FF, bytes_ + 64 * i); }

 private:
  static constexpr int64_t kScaleBytes = dtype == DType::f32 ? 4 : 2;
  static constexpr int kThirtyTwos = G / 32;

  static __m512 load_groups(const std::byte* row, int64_t first, int64_t count) {
    const __mmask16 mask = first_lanes((count + kThirtyTwos - 1) / kThirtyTwos);
    const std::byte* from = row + first / kThirtyTwos * kScaleBytes;
    const __m512 values = load_floats<dtype>(mask, from);
    if constexpr (G == 32) return values;
    const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    return _mm512_permutexvar_ps(_mm512_srli_epi32(lane, G == 64 ? 1 : 2), values);
  }

  const std::byte* bytes_ = nullptr;
  const std::byte* scales_ = nullptr;
  const std::byte* biases_ = nullptr;
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
