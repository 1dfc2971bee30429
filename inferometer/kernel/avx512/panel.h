#pragma once

#include <cstddef>
#include <cstdint>

#include "inferometer/kernel/avx512/shifts.h"
#include "inferometer/tensor/weight_matrix.h"

namespace ifm::avx512 {

/// Rows that a panel holds, as two vectors of 16.
inline constexpr int64_t kPanelRows = 32;

/// A span of 32 rows of weights as the tile products read it; lane L of vector v is row 16 v + L. Does not own.
struct Panel {
  uint8_t* weights = nullptr;  ///< (quads, 2, 16 lanes, 4) u8
  float* scales = nullptr;     ///< (groups, 2, 16)
  uint32_t* biases = nullptr;  ///< (pairs, 2, 16) of bf16: of both halves of a record, or of a record and the next
  float* offsets = nullptr;    ///< (groups, 2, 16) what unpacking leaves for itself: bias + zero * scale
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

/// Writes the records [begin, end) of the rows. Groups of 128 become two of 64.
void unpack_affine4(const PanelRows& rows, int64_t begin, int64_t end, const Panel& panel);

}  // namespace ifm::avx512
