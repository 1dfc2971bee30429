#pragma once

#include <cstddef>
#include <cstdint>

#include "inferometer/kernel/avx512/shifts.h"
#include "inferometer/tensor/weight_matrix.h"

namespace ifm::avx512 {

/// Rows that a panel holds, as two vectors of 16.
inline constexpr int64_t kPanelRows = 32;

/// A span of 32 rows of weights as the tile products read it; lane L of vector v is row 16 v + L. Does not own. A weight is
/// scale * (q - zero) + offset, with the zero that its rounding was made for.
struct Panel {
  uint8_t* weights = nullptr;  ///< (quads, 2, 16 lanes, 4) u8
  float* scales = nullptr;     ///< (groups, 2, 16)
  float* offsets = nullptr;    ///< (groups, 2, 16); not written where the packing has none
  uint32_t* pairs = nullptr;   ///< (pairs of groups, 2, 16) the offsets of two groups as bf16
};
/// Bytes of the largest panel, and a panel in that many bytes, 64-byte aligned.
[[nodiscard]] int64_t panel_bytes();
[[nodiscard]] Panel panel_in(std::byte* memory);

/// 32 rows of a matrix from `row` on; those beyond `row_end` repeat the last.
struct PanelRows {
  PanelRows(const WeightMatrix& weights, int64_t row, int64_t row_end);
  const WeightMatrix& matrix;
  int64_t index[kPanelRows];
  const std::byte* bytes[kPanelRows];
};

/// Writes the records [begin, end) of the rows: groups of 64 (MLX's of 128 become two), 32 or 16 values.
using Unpack = void(const PanelRows& rows, int64_t begin, int64_t end, const Panel& panel);
Unpack unpack_affine4, unpack_affine8;                                   // zeros 8 and 128; group 32, else 64
Unpack unpack_q4_0, unpack_q4_1, unpack_q5_0, unpack_q5_1, unpack_q8_0;  // group 32; zeros 8, 8, 16, 16, 128
Unpack unpack_q4_k, unpack_q5_k, unpack_q6_k;                            // groups 32, 32, 16; zeros 8, 16, 32

/// Writes pairs of `groups` groups' offsets; a missing second is 0.
void pair_offsets(const Panel& panel, int64_t groups);

}  // namespace ifm::avx512
