#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "inferometer/kernel/avx512/lanes.h"
#include "inferometer/kernel/kernels.h"

// What the rounded inputs of both tile products have in common: tokens come in blocks of 4, values in records of 64 (the last one
// filled up with zeros), records in spans that a panel holds at a time. Order: (spans, blocks, records of a span).
namespace ifm::avx512 {

inline constexpr int64_t kRecordValues = 64;
/// A panel's span has at most this many records.
inline constexpr int64_t kSpanRecords = 9;

/// How k values are cut into records and spans.
struct SpanCut {
  int64_t records = 0;
  int64_t spans = 0;
  /// First record of a span; of `spans`: records.
  [[nodiscard]] int64_t begin(int64_t span) const { return records * span / spans; }
};
[[nodiscard]] SpanCut cut_into_spans(int64_t k);
[[nodiscard]] int64_t blocks_of(int64_t n);
/// The records of a span and block, each `record_bytes`.
[[nodiscard]] const std::byte* records_of(const Activations& x, const SpanCut& cut, int64_t record_bytes, int64_t span,
                                          int64_t block);

/// A block's four tokens, rows of x; those beyond the last repeat it, and nobody reads their products.
struct Block {
  Block(const float* x, int64_t n, int64_t k, int64_t index);
  const float* token[4];
};

/// Calls body(record, first value, whether it is the second of a pair in its span) for each record of block `index`.
template <typename Body>
static inline void for_records(std::byte* out, const SpanCut& cut, int64_t record_bytes, int64_t index, int64_t blocks,
                               const Body& body) {
  for (int64_t span = 0; span < cut.spans; ++span) {
    const int64_t begin = cut.begin(span);
    const int64_t count = cut.begin(span + 1) - begin;
    std::byte* record = out + (begin * blocks + index * count) * record_bytes;
    for (int64_t r = 0; r < count; ++r) body(record + r * record_bytes, (begin + r) * kRecordValues, r % 2 != 0);
  }
}

/// Values that are there of 16 from `at` on.
static inline __mmask16 there(int64_t k, int64_t at) { return first_lanes(k - at); }

/// rows[t] dword 4 L + s to out[s] dword 4 L + t.
static inline void transpose_dwords(const __m512i* rows, __m512i* out) {
  const __m512i a = _mm512_unpacklo_epi32(rows[0], rows[1]);
  const __m512i b = _mm512_unpackhi_epi32(rows[0], rows[1]);
  const __m512i c = _mm512_unpacklo_epi32(rows[2], rows[3]);
  const __m512i d = _mm512_unpackhi_epi32(rows[2], rows[3]);
  out[0] = _mm512_unpacklo_epi64(a, c);
  out[1] = _mm512_unpackhi_epi64(a, c);
  out[2] = _mm512_unpacklo_epi64(b, d);
  out[3] = _mm512_unpackhi_epi64(b, d);
}

/// Sums the four 128-bit lanes of each of four vectors: lane s of the result belongs to v[s].
static inline __m512i sum_of_lanes(const __m512i* v) {
  const __m512i ab = _mm512_add_epi32(_mm512_shuffle_i32x4(v[0], v[1], 0x88), _mm512_shuffle_i32x4(v[0], v[1], 0xDD));
  const __m512i cd = _mm512_add_epi32(_mm512_shuffle_i32x4(v[2], v[3], 0x88), _mm512_shuffle_i32x4(v[2], v[3], 0xDD));
  return _mm512_add_epi32(_mm512_shuffle_i32x4(ab, cd, 0x88), _mm512_shuffle_i32x4(ab, cd, 0xDD));
}

/// The 16 values of a subgroup in the order of the panel's quads: as they are, or of each 8 the even ones, then the odd ones.
template <bool split, typename Vector>
static inline Vector in_quad_order(Vector v) {
  if constexpr (!split) return v;
  return _mm512_permutexvar_epi32(_mm512_setr_epi32(0, 2, 4, 6, 1, 3, 5, 7, 8, 10, 12, 14, 9, 11, 13, 15), v);
}

/// Four subgroups of 16 integers as bytes: dword 4 L + s = quad L of subgroup s. They must lie in [-128, 127].
static inline __m512i pack_quads(const __m512i* v) {
  return _mm512_packs_epi16(_mm512_packs_epi32(v[0], v[1]), _mm512_packs_epi32(v[2], v[3]));
}

}  // namespace ifm::avx512
