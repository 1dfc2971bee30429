#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "inferometer/tensor/weight_matrix.h"

// Rows of weights, 64 values at a time, in registers: bytes, and for each lane of four values its scale and offset. Each layout
// has
//   kZeroBits (a weight is scale * (byte - 2^kZeroBits) + offset; 0: no such zero), kHasOffsets, and
//   load(row, step, whole, kept): whole = false where only 32 of the 64 values are there; `kept` is its own to use along a row.
namespace ifm::avx512 {

struct Unpacked {
  __m512i bytes;
  __m512 scale;
  __m512 offset;
};
/// Scales and mins of a super-block.
struct Kept {
  __m512 scales = {};
  __m512 mins = {};
};
/// A row of a matrix; `scales` and `biases` for MLX only.
struct PackedRow {
  PackedRow() = default;
  PackedRow(const WeightMatrix& w, int64_t row) : data(w.data + row * w.row_bytes) {
    if (w.scales == nullptr) return;
    const int64_t groups_bytes = w.cols / w.group * (w.scale_dtype == DType::f32 ? 4 : 2);
    scales = w.scales + row * groups_bytes;
    biases = w.biases + row * groups_bytes;
  }
  const std::byte* data = nullptr;
  const std::byte* scales = nullptr;
  const std::byte* biases = nullptr;
};

static inline __m256i half_at(const std::byte* at) {
  uint16_t bits = 0;
  __builtin_memcpy(&bits, at, 2);
  return _mm256_set1_epi16(static_cast<int16_t>(bits));
}
/// Two f16, each for half of the lanes; the second is 0 where it is not there.
static inline __m512 two_f16(const std::byte* first, const std::byte* second, bool whole) {
  const __m256i a = half_at(first);
  return _mm512_cvtph_ps(_mm256_mask_blend_epi16(0xFF00, a, whole ? half_at(second) : _mm256_setzero_si256()));
}
static inline __m256i load_32(const std::byte* at) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at)); }
static inline __m128i load_16_bytes(const std::byte* at) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at)); }
/// Shifts that differ by half (a, b) or by quarter (a, b, a, b).
static inline __m512i by_half(int a, int b) { return _mm512_inserti64x4(_mm512_set1_epi32(a), _mm256_set1_epi32(b), 1); }
static inline __m512i by_quarter(int a, int b) { return _mm512_setr_epi32(a, a, a, a, b, b, b, b, a, a, a, a, b, b, b, b); }

/// The nibbles of two blocks of 16 bytes in the order of their values.
static inline __m512i nibbles_of_blocks(const std::byte* first, const std::byte* second, bool whole) {
  __m512i v = _mm512_broadcast_i32x4(load_16_bytes(first));
  if (whole) v = _mm512_mask_broadcast_i32x4(v, 0xFF00, load_16_bytes(second));
  return _mm512_and_si512(_mm512_srlv_epi32(v, by_quarter(0, 4)), _mm512_set1_epi8(15));
}

/// Q5_0 and Q5_1 (has_m): blocks of d, perhaps m, fifth bits and 16 bytes.
template <bool has_m>
struct GgmlFives {
  static constexpr int kZeroBits = has_m ? 0 : 4;
  static constexpr bool kHasOffsets = has_m;
  static constexpr int64_t kFifthsAt = has_m ? 4 : 2;
  static constexpr int64_t kBytes = kFifthsAt + 20;

  [[gnu::always_inline]] static Unpacked load(const PackedRow& row, int64_t step, bool whole, Kept& /*kept*/) {
    const std::byte* a = row.data + 2 * step * kBytes;
    const std::byte* b = a + kBytes;
    Unpacked out{nibbles_of_blocks(a + kFifthsAt + 4, b + kFifthsAt + 4, whole), two_f16(a, b, whole), _mm512_setzero_ps()};
    if constexpr (has_m) out.offset = two_f16(a + 2, b + 2, whole);
    uint32_t bits[2] = {};
    __builtin_memcpy(bits, a + kFifthsAt, 4);
    if (whole) __builtin_memcpy(bits + 1, b + kFifthsAt, 4);
    const auto mask = static_cast<__mmask64>(bits[0] | static_cast<uint64_t>(bits[1]) << 32);
    out.bytes = _mm512_mask_add_epi8(out.bytes, mask, out.bytes, _mm512_set1_epi8(16));
    return out;
  }
};

struct GgmlQ8 {
  static constexpr int kZeroBits = 7;
  static constexpr bool kHasOffsets = false;

  [[gnu::always_inline]] static Unpacked load(const PackedRow& row, int64_t step, bool whole, Kept& /*kept*/) {
    const std::byte* a = row.data + step * 68;
    __m512i bytes = _mm512_castsi256_si512(load_32(a + 2));
    bytes = whole ? _mm512_inserti64x4(bytes, load_32(a + 36), 1) : _mm512_inserti64x4(bytes, _mm256_setzero_si256(), 1);
    return {_mm512_xor_si512(bytes, _mm512_set1_epi8(static_cast<char>(128))), two_f16(a, a + 34, whole), _mm512_setzero_ps()};
  }
};

/// Q4_K and Q5_K: super-blocks of 256, a step is a quarter.
template <bool has_fifths>
struct GgmlK {
  static constexpr int kZeroBits = 0;
  static constexpr bool kHasOffsets = true;
  static constexpr int64_t kBytes = has_fifths ? 176 : 144;

  /// Six-bit scales and mins of eight groups as f32, times d and -dmin.
  [[gnu::always_inline]] static void read_header(const std::byte* block, Kept& kept) {
    uint32_t w[4];
    __builtin_memcpy(w, block, 16);
    const uint64_t six = 0x3F3F3F3F;
    const uint64_t scales = (w[1] & six) | static_cast<uint64_t>((w[3] & 0x0F0F0F0FU) | (w[1] >> 6 & 0x03030303U) << 4) << 32;
    const uint64_t mins = (w[2] & six) | static_cast<uint64_t>((w[3] >> 4 & 0x0F0F0F0FU) | (w[2] >> 6 & 0x03030303U) << 4) << 32;
    const auto floats = [](uint64_t eight) {
      return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_cvtsi64_si128(static_cast<int64_t>(eight))));
    };
    kept.scales = _mm512_mul_ps(_mm512_cvtph_ps(half_at(block)), floats(scales));
    kept.mins = _mm512_mul_ps(_mm512_sub_ps(_mm512_setzero_ps(), _mm512_cvtph_ps(half_at(block + 2))), floats(mins));
  }

  [[gnu::always_inline]] static Unpacked load(const PackedRow& row, int64_t step, bool /*whole*/, Kept& kept) {
    const std::byte* block = row.data + step / 4 * kBytes;
    const auto quarter = static_cast<int>(step % 4);
    if (quarter == 0) read_header(block, kept);
    const std::byte* nibbles = block + kBytes - 128 + 32 * quarter;
    const __m512i shifted = _mm512_srlv_epi32(_mm512_broadcast_i64x4(load_32(nibbles)), by_half(0, 4));
    __m512i bytes = _mm512_and_si512(shifted, _mm512_set1_epi8(15));
    if constexpr (has_fifths) {
      const __m512i bits = _mm512_srlv_epi32(_mm512_broadcast_i64x4(load_32(block + 16)), by_half(2 * quarter, 2 * quarter + 1));
      bytes = _mm512_or_si512(bytes, _mm512_slli_epi32(_mm512_and_si512(bits, _mm512_set1_epi8(1)), 4));
    }
    const __m512i spread = by_half(2 * quarter, 2 * quarter + 1);
    return {bytes, _mm512_permutexvar_ps(spread, kept.scales), _mm512_permutexvar_ps(spread, kept.mins)};
  }
};

/// Q6_K: super-blocks of 256, a step is a quarter.
struct GgmlQ6K {
  static constexpr int kZeroBits = 5;
  static constexpr bool kHasOffsets = false;

  [[gnu::always_inline]] static Unpacked load(const PackedRow& row, int64_t step, bool /*whole*/, Kept& /*kept*/) {
    const std::byte* block = row.data + step / 4 * 210;
    const int64_t half = step % 4 / 2;
    const auto part = static_cast<int>(step % 2);
    const __m512i low = _mm512_srl_epi32(_mm512_loadu_si512(block + 64 * half), _mm_cvtsi32_si128(4 * part));
    const __m512i pairs = _mm512_broadcast_i64x4(load_32(block + 128 + 32 * half));
    const __m512i high = _mm512_and_si512(_mm512_srlv_epi32(pairs, by_half(4 * part, 4 * part + 2)), _mm512_set1_epi8(3));
    const __m512i bytes = _mm512_or_si512(_mm512_and_si512(low, _mm512_set1_epi8(15)), _mm512_slli_epi32(high, 4));
    int32_t scales = 0;
    __builtin_memcpy(&scales, block + 192 + 4 * (step % 4), 4);
    const __m128i spread = _mm_setr_epi8(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
    const __m512i lane_scales = _mm512_cvtepi8_epi32(_mm_shuffle_epi8(_mm_cvtsi32_si128(scales), spread));
    return {bytes, _mm512_mul_ps(_mm512_cvtph_ps(half_at(block + 208)), _mm512_cvtepi32_ps(lane_scales)), _mm512_setzero_ps()};
  }
};

/// MLX 8-bit with groups of G = 32, 64 or 128.
template <int G, DType dtype>
struct Affine8 {
  static constexpr int kZeroBits = 0;
  static constexpr bool kHasOffsets = true;
  static constexpr int64_t kScaleBytes = dtype == DType::f32 ? 4 : 2;

  [[gnu::always_inline]] static __m512 one(const std::byte* from) {
    if constexpr (dtype == DType::f32) {
      float value = 0;
      __builtin_memcpy(&value, from, 4);
      return _mm512_set1_ps(value);
    }
    if constexpr (dtype == DType::f16) return _mm512_cvtph_ps(half_at(from));
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half_at(from)), 16));
  }
  [[gnu::always_inline]] static __m512 groups(const std::byte* from, int64_t step, bool whole) {
    if constexpr (G != 32) return one(from + step * 64 / G * kScaleBytes);
    const __m512 first = one(from + 2 * step * kScaleBytes);
    return _mm512_mask_blend_ps(0xFF00, first, whole ? one(from + (2 * step + 1) * kScaleBytes) : _mm512_setzero_ps());
  }

  [[gnu::always_inline]] static Unpacked load(const PackedRow& row, int64_t step, bool whole, Kept& /*kept*/) {
    const __m512i bytes = _mm512_maskz_loadu_epi32(static_cast<__mmask16>(whole ? 0xFFFF : 0x00FF), row.data + 64 * step);
    return {bytes, groups(row.scales, step, whole), groups(row.biases, step, whole)};
  }
};

}  // namespace ifm::avx512
