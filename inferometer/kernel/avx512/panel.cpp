#include "inferometer/kernel/avx512/panel.h"

#include <immintrin.h>

#include "inferometer/kernel/avx512/panel_loads.h"
#include "inferometer/tensor/dtype.h"

namespace ifm::avx512 {
namespace {

constexpr int64_t kWeightBytes = kSpanRecords * 2048;
constexpr int64_t kScaleBytes = kSpanRecords * 4 * 128;
constexpr int64_t kPairBytes = kSpanRecords * 2 * 128;
static_assert(kWeightBytes + 2 * kScaleBytes + kPairBytes <= kPanelBytes);

/// The low or high 16 bits of each lane as f32.
__m512 low_half(__m512i pairs, DType dtype) {
  if (dtype == DType::bf16) return _mm512_castsi512_ps(_mm512_slli_epi32(pairs, 16));
  return low_f16(pairs);
}
__m512 high_half(__m512i pairs, DType dtype) {
  if (dtype == DType::bf16) return _mm512_castsi512_ps(_mm512_and_si512(pairs, _mm512_set1_epi32(static_cast<int>(0xFFFF0000U))));
  return high_f16(pairs);
}

/// The groups [begin, begin + count) of 16 rows of scales or biases: to `out`, 32 floats apart.
void load_groups(const PanelRows& rows, const std::byte* source, int first_row, int64_t begin, int64_t count, float* out) {
  const WeightMatrix& w = rows.matrix;
  const int64_t groups = w.cols / w.group;
  if (w.scale_dtype == DType::f32) {
    for (int64_t g = 0; g < count; ++g) {
      for (int r = 0; r < 16; ++r)
        __builtin_memcpy(out + 32 * g + r, source + 4 * (rows.index[first_row + r] * groups + begin + g), 4);
    }
    return;
  }
  const std::byte* start[16];
  for (int r = 0; r < 16; ++r) start[r] = source + 2 * (rows.index[first_row + r] * groups + begin);
  for (int64_t g = 0; g < count; g += 8) {
    const int64_t left = count - g;
    __m512i pairs[4];
    load_16x4(start, 2 * g, static_cast<__mmask8>(left >= 8 ? 0xFF : (1 << left) - 1), pairs);
    for (int64_t p = 0; p < 4 && 2 * p < left; ++p) {
      _mm512_store_ps(out + 32 * (g + 2 * p), low_half(pairs[p], w.scale_dtype));
      if (2 * p + 1 < left) _mm512_store_ps(out + 32 * (g + 2 * p + 1), high_half(pairs[p], w.scale_dtype));
    }
  }
}

/// The upper half of each lane holds the nearest bf16.
__m512i to_bf16(const float* values) {
  const __m512i bits = _mm512_castps_si512(_mm512_load_ps(values));
  const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
  return _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7FFF)));
}

/// Groups of 128 as one per record, from the last to the first: a span of an odd number of records may begin within one.
void spread_over_records(float* groups, int64_t begin, int64_t end) {
  for (int64_t r = end - 1; r >= begin; --r) {
    const float* from = groups + 32 * (r / 2 - begin / 2);
    for (int64_t v = 0; v < 2; ++v) _mm512_store_ps(groups + 32 * (r - begin) + 16 * v, _mm512_load_ps(from + 16 * v));
  }
}

/// The value behind the last one of the records up to `end`.
int64_t end_of(const WeightMatrix& w, int64_t end) { return end * kRecordValues < w.cols ? end * kRecordValues : w.cols; }

/// Scales and offsets (bias + zero * scale) of the records [begin, end).
void unpack_affine_groups(const PanelRows& rows, int64_t begin, int64_t end, float zero, const Panel& panel) {
  const WeightMatrix& w = rows.matrix;
  const int64_t last = end_of(w, end);
  const int64_t first = begin * kRecordValues / w.group;
  int64_t groups = (last + w.group - 1) / w.group - first;
  for (int v = 0; v < 2; ++v) {
    load_groups(rows, w.scales, 16 * v, first, groups, panel.scales + 16 * v);
    load_groups(rows, w.biases, 16 * v, first, groups, panel.offsets + 16 * v);
  }
  if (w.group == 128) {
    spread_over_records(panel.scales, begin, end);
    spread_over_records(panel.offsets, begin, end);
    groups = end - begin;
  }
  for (int64_t i = 0; i < 32 * groups; i += 16) {
    const __m512 zeros = _mm512_mul_ps(_mm512_set1_ps(zero), _mm512_load_ps(panel.scales + i));
    _mm512_store_ps(panel.offsets + i, _mm512_add_ps(_mm512_load_ps(panel.offsets + i), zeros));
  }
  for (int64_t i = 32 * groups; i < 64 * (end - begin) && w.group == 32; i += 16) {
    _mm512_store_ps(panel.scales + i, _mm512_setzero_ps());
    _mm512_store_ps(panel.offsets + i, _mm512_setzero_ps());
  }
}

}  // namespace

int64_t panel_bytes() { return kWeightBytes + 2 * kScaleBytes + kPairBytes; }

Panel panel_in(std::byte* memory) {
  std::byte* scales = memory + kWeightBytes;
  std::byte* offsets = scales + kScaleBytes;
  return {reinterpret_cast<uint8_t*>(memory), reinterpret_cast<float*>(scales), reinterpret_cast<float*>(offsets),
          reinterpret_cast<uint32_t*>(offsets + kScaleBytes)};
}

PanelRows::PanelRows(const WeightMatrix& weights, int64_t row, int64_t row_end) : matrix(weights) {
  for (int64_t r = 0; r < kPanelRows; ++r) {
    index[r] = row + r < row_end ? row + r : row_end - 1;
    bytes[r] = weights.data + index[r] * weights.row_bytes;
  }
}

void pair_offsets(const Panel& panel, int64_t groups) {
  for (int64_t g = 0; g < groups; g += 2) {
    for (int64_t v = 0; v < 2; ++v) {
      const __m512i low = _mm512_srli_epi32(to_bf16(panel.offsets + 32 * g + 16 * v), 16);
      const __m512i high = g + 1 < groups ? _mm512_and_si512(to_bf16(panel.offsets + 32 * (g + 1) + 16 * v),
                                                             _mm512_set1_epi32(static_cast<int>(0xFFFF0000U)))
                                          : _mm512_setzero_si512();
      _mm512_store_si512(panel.pairs + 16 * g + 16 * v, _mm512_or_si512(low, high));
    }
  }
}

void unpack_affine4(const PanelRows& rows, int64_t begin, int64_t end, const Panel& panel) {
  for (int64_t v = 0; v < 2; ++v) {
    uint8_t* out = panel.weights + 64 * v;
    for (int64_t k = begin * kRecordValues; k < end_of(rows.matrix, end); k += 32) {
      __m512i words[4];
      load_16x4(rows.bytes + 16 * v, k / 2, words);
      for (int64_t i = 0; i < 4; ++i, out += 256) {
        _mm512_store_si512(out, low_nibbles(words[i]));
        _mm512_store_si512(out + 128, high_nibbles(words[i]));
      }
    }
  }
  unpack_affine_groups(rows, begin, end, 8, panel);
}

void unpack_affine8(const PanelRows& rows, int64_t begin, int64_t end, const Panel& panel) {
  for (int64_t v = 0; v < 2; ++v) {
    uint8_t* out = panel.weights + 64 * v;
    for (int64_t k = begin * kRecordValues; k < end_of(rows.matrix, end); k += 16) {
      __m512i words[4];
      load_16x4(rows.bytes + 16 * v, k, words);
      for (int64_t i = 0; i < 4; ++i, out += 128) _mm512_store_si512(out, words[i]);
    }
  }
  unpack_affine_groups(rows, begin, end, 128, panel);
}

}  // namespace ifm::avx512
