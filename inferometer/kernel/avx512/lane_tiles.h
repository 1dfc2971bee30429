#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "inferometer/kernel/avx512/lane_shifts.h"
#include "inferometer/kernel/avx512/lanes.h"
#include "inferometer/kernel/avx512/nibble_lines.h"
#include "inferometer/kernel/avx512/records.h"
#include "inferometer/kernel/avx512/unrolled.h"
#include "inferometer/tensor/weight_matrix.h"

/// What a tile works on: `rows` rows of two streams, k a multiple of 256 columns of them. Pointers move while it works.
struct IfmLaneTile {
  const std::byte* first_row;  ///< nibbles
  const std::byte* second_row;
  int64_t row_step;         ///< from the end of a row's nibbles to the next one's
  const std::byte* scales;  ///< the first row's
  const std::byte* biases;
  int64_t second_groups;    ///< from a first row's scales and biases to the second's
  int64_t groups_step;      ///< from the end of what was read of a row's scales to the next one's
  int64_t groups_ahead;     ///< how far behind scales and biases others are fetched
  const std::byte* inputs;  ///< LaneShifts::first_pair of the first token
  const float* input_sums;  ///< of its groups
  int64_t token_bytes;      ///< from one token to the next
  int64_t pairs;            ///< of lines
  int64_t last_mask;        ///< of the last 16 groups, those that are there
  int64_t rows;
  int64_t ahead;    ///< how far behind a row's bytes others are fetched into the L2 cache
  int64_t carried;  ///< 0: sums begin at 0, else at `sums`
  float* sums;      ///< (rows, tokens, 2, 16), 64-byte aligned: lanes to be added up
  float* totals;    ///< (rows, 16), or null: lanes are left in `sums`. Of token t the first row's is 2 t, the second's 2 t + 1
  int64_t further;  ///< 0, or how far behind the first row's bytes others are fetched as well,
  int64_t further_step;              ///< and how much less far behind each next row's
  int64_t mask;                      ///< of any other 16 groups, those that are stored: groups of 128 count as two
  alignas(64) float factors[2][16];  ///< the tile's own
  float bases[16];                   ///< what totals are multiplied with
};
static_assert(offsetof(IfmLaneTile, totals) == 136 && offsetof(IfmLaneTile, mask) == 160 &&
              offsetof(IfmLaneTile, factors) == 192 && offsetof(IfmLaneTile, bases) == 320);

extern "C" {
using IfmLaneTileFunction = void(IfmLaneTile* tile);
IfmLaneTileFunction ifm_lane_tile_t4_g32_f32, ifm_lane_tile_t4_g32_f16, ifm_lane_tile_t4_g32_bf16;
IfmLaneTileFunction ifm_lane_tile_t4_g64_f32, ifm_lane_tile_t4_g64_f16, ifm_lane_tile_t4_g64_bf16;
IfmLaneTileFunction ifm_lane_tile_t4_g128_f32, ifm_lane_tile_t4_g128_f16, ifm_lane_tile_t4_g128_bf16;
IfmLaneTileFunction ifm_lane_tile_t8_g32_f32, ifm_lane_tile_t8_g32_f16, ifm_lane_tile_t8_g32_bf16;
IfmLaneTileFunction ifm_lane_tile_t8_g64_f32, ifm_lane_tile_t8_g64_f16, ifm_lane_tile_t8_g64_bf16;
IfmLaneTileFunction ifm_lane_tile_t8_g128_f32, ifm_lane_tile_t8_g128_f16, ifm_lane_tile_t8_g128_bf16;
}

namespace ifm::avx512 {

/// columns[c] lane r = rows[r][c].
static inline void transpose(const float (*rows)[16], __m512* columns) {
  __m512 fours[4][4];  // [i][j]: of rows 4 i to 4 i + 3, columns j, 4 + j, 8 + j and 12 + j
  unrolled<4>([&](auto i) {
    const auto row = [&](int r) { return _mm512_castps_si512(_mm512_load_ps(rows[4 * i + r])); };
    const __m512i four[4] = {row(0), row(1), row(2), row(3)};
    __m512i out[4];
    transpose_dwords(four, out);
    unrolled<4>([&](auto j) { fours[i][j] = _mm512_castsi512_ps(out[j]); });
  });
  unrolled<4>([&](auto j) {
    const __m512 a = _mm512_shuffle_f32x4(fours[0][j], fours[1][j], 0x88);
    const __m512 b = _mm512_shuffle_f32x4(fours[0][j], fours[1][j], 0xDD);
    const __m512 c = _mm512_shuffle_f32x4(fours[2][j], fours[3][j], 0x88);
    const __m512 d = _mm512_shuffle_f32x4(fours[2][j], fours[3][j], 0xDD);
    columns[j] = _mm512_shuffle_f32x4(a, c, 0x88);
    columns[4 + j] = _mm512_shuffle_f32x4(b, d, 0x88);
    columns[8 + j] = _mm512_shuffle_f32x4(a, c, 0xDD);
    columns[12 + j] = _mm512_shuffle_f32x4(b, d, 0xDD);
  });
}

/// 4 or 8 tokens against up to most_rows() rows of MLX's 4-bit weights and as many `distance` further, as decode takes one token:
/// the same operations in the same order. Columns: a multiple of 256. `more`: the streams go on behind these rows.
class LaneTiles {
 public:
  /// 0 where there are no tiles.
  static int64_t most_rows(int64_t k) { return k % kPairValues != 0 ? 0 : k > kColumns ? 16 : kRows; }

  LaneTiles(const WeightMatrix& w, const LaneShifts* x, int64_t tokens, int64_t row, int64_t count, int64_t distance, bool more)
      : w_(w), x_(x), tokens_(tokens), row_(row), count_(count), distance_(distance), more_(more) {}

  void write(float* out, int64_t stride) {
    for (int64_t begin = 0; begin < w_.cols; begin += kColumns) take(begin);
    write_totals(out, stride);
  }

 private:
  /// Inputs of eight tokens stay in the L1 cache while rows pass by.
  static constexpr int64_t kPairs = 8;
  static constexpr int64_t kColumns = kPairs * kPairValues;
  static constexpr int64_t kRows = 64;

  [[nodiscard]] static IfmLaneTileFunction* function(int64_t tokens, int64_t group, DType dtype) {
    static constexpr IfmLaneTileFunction* kFunctions[2][3][3] = {
        {{ifm_lane_tile_t4_g32_f32, ifm_lane_tile_t4_g32_f16, ifm_lane_tile_t4_g32_bf16},
         {ifm_lane_tile_t4_g64_f32, ifm_lane_tile_t4_g64_f16, ifm_lane_tile_t4_g64_bf16},
         {ifm_lane_tile_t4_g128_f32, ifm_lane_tile_t4_g128_f16, ifm_lane_tile_t4_g128_bf16}},
        {{ifm_lane_tile_t8_g32_f32, ifm_lane_tile_t8_g32_f16, ifm_lane_tile_t8_g32_bf16},
         {ifm_lane_tile_t8_g64_f32, ifm_lane_tile_t8_g64_f16, ifm_lane_tile_t8_g64_bf16},
         {ifm_lane_tile_t8_g128_f32, ifm_lane_tile_t8_g128_f16, ifm_lane_tile_t8_g128_bf16}}};
    const int of_dtype = dtype == DType::f32 ? 0 : dtype == DType::f16 ? 1 : 2;
    return kFunctions[tokens == 8][group == 32 ? 0 : group == 64 ? 1 : 2][of_dtype];
  }

  void take(int64_t begin) {
    const int64_t pairs = w_.cols - begin < kColumns ? (w_.cols - begin) / kPairValues : kPairs;
    const int64_t scale_bytes = w_.scale_dtype == DType::f32 ? 4 : 2;
    const int64_t row_groups = w_.cols / w_.group * scale_bytes;
    const int64_t block_values = w_.group == 32 ? 16 * 32 : 16 * 64;  // that one step of scales and biases serves
    const int64_t blocks = (pairs * kPairValues + block_values - 1) / block_values;
    const int64_t last_values = pairs * kPairValues - (blocks - 1) * block_values;

    IfmLaneTile tile;
    tile.first_row = w_.data + row_ * w_.row_bytes + begin / 2;
    tile.second_row = tile.first_row + distance_ * w_.row_bytes;
    tile.row_step = w_.row_bytes - pairs * kPairValues / 2;
    const int64_t first_groups = row_ * row_groups + begin / w_.group * scale_bytes;
    tile.scales = w_.scales + first_groups;
    tile.biases = w_.biases + first_groups;
    tile.second_groups = distance_ * row_groups;
    tile.groups_step = row_groups - blocks * (block_values / w_.group * scale_bytes);
    tile.groups_ahead = 4 * row_groups;
    tile.inputs = x_[0].pair(begin / kPairValues);
    tile.input_sums = w_.group == 32 ? x_[0].sums_of_32 + begin / 32 : x_[0].sums_of_64 + begin / 64;
    tile.token_bytes = x_[1].first_pair - x_[0].first_pair;
    tile.pairs = pairs;
    tile.last_mask = first_lanes((last_values + w_.group - 1) / w_.group);
    tile.mask = w_.group == 128 ? 0xFF : 0xFFFF;
    tile.rows = count_;
    set_distances(begin, tile);
    tile.carried = begin;
    tile.sums = sums_;
    tile.totals = begin + kColumns < w_.cols ? nullptr : totals_[0];
    for (int64_t i = 0; i < 16; ++i) tile.bases[i] = i / 2 < tokens_ ? x_[i / 2].base : 0.0F;
    function(tokens_, w_.group, w_.scale_dtype)(&tile);
  }

  /// Whole rows are two streams, of which the processor fetches a part by itself when it lies in the L2 cache. Pieces of rows are
  /// not, so while they pass by, what follows these rows is fetched as one stream, too.
  void set_distances(int64_t begin, IfmLaneTile& tile) const {
    const bool pieces = w_.cols > kColumns;
    tile.ahead = pieces ? w_.row_bytes : 2048;
    tile.further = pieces && more_ ? count_ * w_.row_bytes + (count_ - 1) * begin / 2 : 0;
    tile.further_step = pieces && more_ ? tile.row_step : 0;
  }

  void write_totals(float* out, int64_t stride) {
    for (int64_t i = 0; i < count_; i += 16) {
      __m512 columns[16];
      transpose(totals_ + i, columns);
      const __mmask16 rows = first_lanes(count_ - i);
      for (int64_t t = 0; t < tokens_; ++t) {
        for (int64_t r = 0; r < 2; ++r) _mm512_mask_storeu_ps(out + i + t * stride + r * distance_, rows, columns[2 * t + r]);
      }
    }
  }

  const WeightMatrix& w_;
  const LaneShifts* x_;
  int64_t tokens_, row_, count_, distance_;
  bool more_;
  alignas(64) float totals_[kRows][16];
  alignas(64) float sums_[16 * 8 * 2 * 16];
};

}  // namespace ifm::avx512
