#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "inferometer/kernel/avx512/lanes.h"
#include "inferometer/tensor/weight_matrix.h"

namespace ifm::avx512 {

struct Groups {
  __m512 scale;
  __m512 bias;
};

/// A row of an MLX affine matrix, whose groups count `parts` times: where products take groups of a half or a quarter of them.
template <DType dtype, int parts>
struct AffineRow {
  static_assert(parts == 1 || parts == 2 || parts == 4);

  AffineRow() = default;
  AffineRow(const WeightMatrix& w, int64_t row) : bytes(w.data + row * w.row_bytes) {
    const int64_t groups_bytes = w.cols / w.group * kScaleBytes;
    scales = w.scales + row * groups_bytes;
    biases = w.biases + row * groups_bytes;
  }

  /// Scales and biases of up to 16 groups from `first` on, one a lane, 0 beyond `count`.
  [[gnu::always_inline]] [[nodiscard]] Groups groups(int64_t first, int64_t count) const {
    return {load(scales, first, count), load(biases, first, count)};
  }

  const std::byte* bytes = nullptr;
  const std::byte* scales = nullptr;
  const std::byte* biases = nullptr;

 private:
  static constexpr int64_t kScaleBytes = dtype == DType::f32 ? 4 : 2;

  [[gnu::always_inline]] static __m512 load(const std::byte* row, int64_t first, int64_t count) {
    const __m512 values = load_floats<dtype>(first_lanes((count + parts - 1) / parts), row + first / parts * kScaleBytes);
    if constexpr (parts == 1) return values;
    const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    return _mm512_permutexvar_ps(_mm512_srli_epi32(lane, parts == 2 ? 1 : 2), values);
  }
};

}  // namespace ifm::avx512
