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
  float* sums;              ///< (4, 2, 16), 64-byte aligned: lanes to be added up, in bases
  int64_t adds;             ///< 0: sums are written, else added to
  int64_t ahead;            ///< how far behind the rows' bytes others are fetched into the L1 cache
};

extern "C" {
using IfmLaneTileFunction = void(const IfmLaneTile* tile);
IfmLaneTileFunction ifm_lane_tile_g64, ifm_lane_tile_g32;
}

namespace ifm::avx512 {

/// Four tokens or eight (`fours`), against 16 rows of 4-bit weights or fewer and as many `distance` further, as decode takes one
/// token: the same operations in the same order. NibbleRow: MLX's of nibble_rows.h; columns: a multiple of 256.
template <typename NibbleRow>
class LaneTiles {
 public:
  LaneTiles(const WeightMatrix& w, const LaneShifts* x, int64_t fours, int64_t row, int64_t count, int64_t distance)
      : w_(w), x_(x), fours_(fours), row_(row), count_(count), distance_(distance) {}

  void write(float* out, int64_t stride) {
    for (int64_t begin = 0; begin < w_.cols; begin += kColumns) {
      convert_groups(begin / NibbleRow::kGroup);
      for (int64_t i = 0; i < count_; ++i) {
        for (int64_t four = 0; four < fours_; ++four) take(i, four, begin);
      }
    }
    for (int64_t four = 0; four < fours_; ++four) write(four, out + 4 * four * stride, stride);
  }

 private:
  // Inputs of eight tokens stay in the L1 cache while all rows pass by.
  static constexpr int64_t kPairs = 8;
  static constexpr int64_t kColumns = kPairs * kPairValues;
  static constexpr int64_t kBlocks = kColumns / (16 * NibbleRow::kGroup);

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

  void take(int64_t i, int64_t four, int64_t begin) {
    const LaneShifts* x = x_ + 4 * four;
    IfmLaneTile tile{};
    tile.inputs = x[0].pair(begin / kPairValues);
    tile.input_sums = (NibbleRow::kGroup == 64 ? x[0].sums_of_64 : x[0].sums_of_32) + begin / NibbleRow::kGroup;
    tile.token_bytes = x[1].first_pair - x[0].first_pair;
    tile.pairs = w_.cols - begin < kColumns ? (w_.cols - begin) / kPairValues : kPairs;
    tile.adds = begin;
    tile.ahead = w_.row_bytes < 2048 ? 2048 : 2 * w_.row_bytes;
    tile.first_row = w_.data + (row_ + i) * w_.row_bytes + begin / 2;
    tile.second_row = tile.first_row + distance_ * w_.row_bytes;
    tile.groups = groups_[i][0][0];
    tile.sums = sums_[four][i][0];
    (NibbleRow::kGroup == 64 ? ifm_lane_tile_g64 : ifm_lane_tile_g32)(&tile);
  }

  void write(int64_t four, float* out, int64_t stride) {
    const LaneShifts* x = x_ + 4 * four;
    const __m512 bases = _mm512_setr_ps(x[0].base, x[0].base, x[1].base, x[1].base, x[2].base, x[2].base, x[3].base, x[3].base,
                                        x[0].base, x[0].base, x[1].base, x[1].base, x[2].base, x[2].base, x[3].base, x[3].base);
    alignas(64) float totals[16][8];
    for (int64_t i = 0; i < count_; i += 2)
      _mm512_store_ps(totals[i], _mm512_mul_ps(bases, sum_of_each(reinterpret_cast<const __m512*>(sums_[four][i][0]))));
    for (int64_t t = 0; t < 4; ++t) {
      float* to = out + t * stride;
      for (int64_t i = 0; i < count_; ++i) {
        to[i] = totals[i][2 * t];
        to[i + distance_] = totals[i][2 * t + 1];
      }
    }
  }

  const WeightMatrix& w_;
  const LaneShifts* x_;
  int64_t fours_, row_, count_, distance_;
  alignas(64) float sums_[2][16][8][16];          // (fours, rows, tokens and rows, lanes)
  alignas(64) float groups_[16][kBlocks][4][16];  // (rows, blocks, scales and biases, 16)
};

}  // namespace ifm::avx512
