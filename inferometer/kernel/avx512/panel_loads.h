#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "inferometer/kernel/avx512/records.h"

// What unpacking has in common: rows become lanes.
namespace ifm::avx512 {

/// Four dwords of each of 16 rows, `at` bytes into the row: out[w] lane r = dword w of row r. `mask`: 16-bit pieces to read.
static inline void load_16x4(const std::byte* const* rows, int64_t at, __mmask8 mask, __m512i* out) {
  __m512i v[4];
  for (int i = 0; i < 4; ++i) {
    const auto load = [&](int lane) { return _mm_maskz_loadu_epi16(mask, rows[4 * lane + i] + at); };
    v[i] = _mm512_castsi128_si512(load(0));
    v[i] = _mm512_mask_broadcast_i32x4(v[i], 0x00F0, load(1));
    v[i] = _mm512_mask_broadcast_i32x4(v[i], 0x0F00, load(2));
    v[i] = _mm512_mask_broadcast_i32x4(v[i], 0xF000, load(3));
  }
  transpose_dwords(v, out);
}

/// The four dwords of each of 16 rows at `at`.
static inline void load_16x4(const std::byte* const* rows, int64_t at, __m512i* out) { load_16x4(rows, at, 0xFF, out); }

/// Lane r = the dword of row r at `at`.
static inline __m512i load_16(const std::byte* const* rows, int64_t at) {
  alignas(64) uint32_t lane[16];
  for (int r = 0; r < 16; ++r) __builtin_memcpy(lane + r, rows[r] + at, 4);
  return _mm512_load_si512(lane);
}

/// The low or high 16 bits of each lane, which are f16, as f32.
static inline __m512 low_f16(__m512i pairs) { return _mm512_cvtph_ps(_mm512_cvtepi32_epi16(pairs)); }
static inline __m512 high_f16(__m512i pairs) { return _mm512_cvtph_ps(_mm512_cvtepi32_epi16(_mm512_srli_epi32(pairs, 16))); }

static inline __m512i low_nibbles(__m512i bytes) { return _mm512_and_si512(bytes, _mm512_set1_epi8(15)); }
static inline __m512i high_nibbles(__m512i bytes) { return low_nibbles(_mm512_srli_epi32(bytes, 4)); }

/// Byte b of each lane.
static inline __m512i byte_of(__m512i dwords, int b) {
  return _mm512_and_si512(_mm512_srli_epi32(dwords, static_cast<unsigned>(8 * b)), _mm512_set1_epi32(255));
}

}  // namespace ifm::avx512
