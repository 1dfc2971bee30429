#pragma once

#include <cstddef>
#include <cstdint>

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
