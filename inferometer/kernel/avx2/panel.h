#pragma once

#include <cstddef>
#include <cstdint>

#include "inferometer/tensor/weight_matrix.h"

namespace ifm::avx2 {

/// Rows of a strip, the piece of weights that a tile product takes: two vectors of 8 rows, a row in each dword lane.
inline constexpr int64_t kStripRows = 16;

/// A span of a strip's columns, decoded. Per group of 32 columns; does not own, 32-byte aligned.
struct Strip {
  /// Narrow: (groups, 8 quads, 2, 8 rows, 4) u8; wide: (groups, 16 pairs, 2, 8 rows, 2) int16.
  uint8_t* weights = nullptr;
  /// Narrow: (groups, 2) pairs of vectors: scales, biases. Wide: (groups, 3): scales (of the second 16 columns where they
  /// differ), biases, scales of the first 16.
  float* scales = nullptr;
};
inline constexpr int64_t kNarrowGroupBytes = 512;
inline constexpr int64_t kNarrowGroupScales = 32;
inline constexpr int64_t kWideGroupBytes = 1024;
inline constexpr int64_t kWideGroupScales = 48;

/// The most columns of a span.
inline constexpr int64_t kMostSpan = 576;

/// Decodes columns [begin, begin + count) of rows [row, row + 16); those from row_end on repeat the last. `begin` and `count` are
/// whole blocks of the packing, count <= kMostSpan. Narrow: packings with unsigned bytes of up to 5 bits.
void decode_narrow(const WeightMatrix& w, int64_t row, int64_t row_end, int64_t begin, int64_t count, const Strip& strip);
void decode_wide(const WeightMatrix& w, int64_t row, int64_t row_end, int64_t begin, int64_t count, const Strip& strip);

}  // namespace ifm::avx2
