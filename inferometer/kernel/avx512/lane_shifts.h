#pragma once

#include <cstddef>
#include <cstdint>

#include "inferometer/kernel/kernels.h"

namespace ifm::avx512 {

/// Inputs of 4-bit weights (nibble_lines.h) as int8 with a power-of-two shift per 16 values, a lane of a pair, and one f32 base
/// per token: x ~ base * (integer << shift).
struct LaneShifts {
  /// What a pair of lines has, 64 bytes each: a and e of the even lanes, a and e of the odd ones, then for each lane of the pair
  /// the bits of the float 1.5 * 2^23 with the shift added to its exponent.
  static constexpr int64_t kPairBytes = 5 * 64;

  const std::byte* first_pair = nullptr;  ///< the others lie before it, as lines of Digits do
  const float* sums_of_64 = nullptr;      ///< (4 * pairs) sums of the inputs as rounded, in bases; zeros up to a multiple of 16
  const float* sums_of_32 = nullptr;      ///< (8 * pairs) the same
  float base = 0;                         ///< 1/16 included

  [[nodiscard]] const std::byte* pair(int64_t index) const { return first_pair - index * kPairBytes; }
};

/// One token's part of x.rounded.
[[nodiscard]] LaneShifts lane_shifts_of(const Activations& x, int64_t token);

/// "sixteens12", "sixteens12, halves".
extern const Rounding kLaneShifts, kLaneShiftsOfHalves;

}  // namespace ifm::avx512
