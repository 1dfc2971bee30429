#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "inferometer/kernel/avx512/affine_row.h"
#include "inferometer/kernel/avx512/lane_shifts.h"
#include "inferometer/kernel/avx512/nibble_lines.h"
#include "inferometer/kernel/avx512/sums.h"
#include "inferometer/tensor/weight_matrix.h"

/// What a tile works on: k is a multiple of 256.
struct IfmLaneTile {
  const std::byte* first_row;  ///< nibbles
  const std::byte* second_row;
  const float* groups;      ///< of 16 groups each, 0 beyond the last: first row's scales, second's, first's biases, second's
  const std::byte* inputs;  ///< LaneShifts::first_pair of the first token
  const float* input_sums;  ///< of its groups
  int64_t token_bytes;      ///< from one token to the next
  int64_t pairs;            ///< of lines
  float* sums;              ///< (tokens, 2, 16), 64-byte aligned: lanes to be added up, in bases
  int64_t adds;             ///< 0: sums are written, else added to
  int64_t ahead;            ///< how far behind the rows' bytes others are fetched
};

extern "C" {
using IfmLaneTileFunction = void(const IfmLaneTile* tile);
IfmLaneTileFunction ifm_lane_tile_t4_g64_l1, ifm_lane_tile_t4_g64_l2, ifm_lane_tile_t8_g64_l1, ifm_lane_tile_t8_g64_l2;
IfmLaneTileFunction ifm_lane_tile_t4_g32_l1, ifm_lane_tile_t4_g32_l2, ifm_lane_tile_t8_g32_l1, ifm_lane_tile_t8_g32_l2;
}

namespace ifm::avx512 {

/// T tokens, 4 or 8, against 16 rows of 4-bit weights or fewer and as many `distance` further, as decode takes one token: the
/// same operations in the same order. NibbleRow: MLX's of nibble_rows.h; columns: a multiple of 256.
template <typename NibbleRow, int T>
class LaneTiles {
 public:
  LaneTiles(const WeightMatrix& w, const LaneShifts* x, int64_t row, int64_t count, int64_t distance)
      : w_(w), x_(x), row_(row), count_(count), distance_(distance) {}

  void write(float* out, int64_t stride) {
    for (int64_t begin = 0; begin < w_.cols; begin += kColumns) {
      convert_groups(begin / NibbleRow::kGroup);
      for (int64_t i = 0; i < count_; ++i) take(i, begin);
    }
    for (int64_t t = 0; t < T; ++t) {
      for (int64_t r = 0; r < 2; ++r) write(t, r, out + t * stride + r * distance_);
    }
  }

 private:
  // Inputs of eight tokens stay in the L1 cache while all rows pass by.
  static constexpr int64_t kPairs = 8;
  static constexpr int64_t kColumns = kPairs * kPairValues;
  static constexpr int64_t kBlocks = kColumns / (16 * NibbleRow::kGroup);

  using Function = IfmLaneTileFunction;
  static constexpr bool kWide = NibbleRow::kGroup == 64;
  static constexpr Function* kFetchingIntoL1 = T == 4  ? kWide ? ifm_lane_tile_t4_g64_l1 : ifm_lane_tile_t4_g32_l1
                                               : kWide ? ifm_lane_tile_t8_g64_l1
                                                       : ifm_lane_tile_t8_g32_l1;
  static constexpr Function* kFetchingIntoL2 = T == 4  ? kWide ? ifm_lane_tile_t4_g64_l2 : ifm_lane_tile_t4_g32_l2
                                               : kWide ? ifm_lane_tile_t8_g64_l2
                                                       : ifm_lane_tile_t8_g32_l2;

  /// Whole rows are one stream, of which the processor fetches a part by itself when it lies in the L2 cache; pieces of rows are
  /// not.
  [[nodiscard]] bool whole_rows() const { return w_.cols <= kColumns; }

  void convert_groups(int64_t begin) {
    const int64_t all = w_.cols / NibbleRow::kGroup;
    for (int64_t i = 0; i < count_; ++i) {
      for (int64_t r = 0; r < 2; ++r) {
        const NibbleRow row(w_, row_ + i + r * distance_);
        NibbleRow(w_, row_ + i + 16 + r * distance_).fetch_groups(begin, 16 * kBlocks);
        for (int64_t block = 0; block < kBlocks && begin + 16 * block < all; ++block) {
          const int64_t first = begin + 16 * block;
          const Groups here = all - first < 16 ? row.groups(first, all - first) : row.groups(first, 16);
          _mm512_store_ps(groups_[i][block][r], here.scale);
          _mm512_store_ps(groups_[i][block][2 + r], here.bias);
        }
      }
    }
  }

  void take(int64_t i, int64_t begin) {
    IfmLaneTile tile{};
    tile.inputs = x_[0].pair(begin / kPairValues);
    tile.input_sums = (NibbleRow::kGroup == 64 ? x_[0].sums_of_64 : x_[0].sums_of_32) + begin / NibbleRow::kGroup;
    tile.token_bytes = x_[1].first_pair - x_[0].first_pair;
    tile.pairs = w_.cols - begin < kColumns ? (w_.cols - begin) / kPairValues : kPairs;
    tile.adds = begin;
    tile.ahead = whole_rows() ? 2048 : w_.row_bytes;
    tile.first_row = w_.data + (row_ + i) * w_.row_bytes + begin / 2;
    tile.second_row = tile.first_row + distance_ * w_.row_bytes;
    tile.groups = groups_[i][0][0];
    tile.sums = sums_[i][0];
    (whole_rows() ? kFetchingIntoL2 : kFetchingIntoL1)(&tile);
  }

  /// Row r's results for a token: those of up to 16 rows are added up together.
  void write(int64_t token, int64_t r, float* out) {
    __m512 lanes[16];
    for (int64_t i = 0; i < 16; ++i) lanes[i] = i < count_ ? _mm512_load_ps(sums_[i][2 * token + r]) : _mm512_setzero_ps();
    _mm512_mask_storeu_ps(out, first_lanes(count_), _mm512_mul_ps(sum_of_each(lanes), _mm512_set1_ps(x_[token].base)));
  }

  const WeightMatrix& w_;
  const LaneShifts* x_;
  int64_t row_, count_, distance_;
  alignas(64) float sums_[16][2 * T][16];         // (rows, tokens and rows, lanes)
  alignas(64) float groups_[16][kBlocks][4][16];  // (rows, blocks, scales and biases, 16)
};

}  // namespace ifm::avx512
