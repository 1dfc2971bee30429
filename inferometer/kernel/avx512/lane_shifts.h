#pragma once

#include <cstddef>
#include <cstdint>

#include "inferometer/kernel/kernels.h"

namespace ifm::avx512 {

/// Inputs of 4-bit weights (nibble_lines.h) as int8 with a power-of-two shift per lane of eight values and one f32 base per
/// token: x ~ base * (integer << shift). Lines descend, as those of Digits.
struct LaneShifts {
  const int8_t* lines = nullptr;      ///< (lines) of a and e, 64 bytes each
  const uint8_t* shifts = nullptr;    ///< (lines, 16)
  const float* sums_of_64 = nullptr;  ///< (2 * lines) sums of the inputs as rounded, in bases
  const float* sums_of_32 = nullptr;  ///< (4 * lines)
  float base = 0;                     ///< 1/16 included
  int64_t count = 0;                  ///< lines

  [[nodiscard]] const int8_t* line(int64_t index) const { return lines + (count - 1 - index) * 128; }
  [[nodiscard]] const uint8_t* line_shifts(int64_t index) const { return shifts + (count - 1 - index) * 16; }
};

/// One token's part of x.rounded.
[[nodiscard]] LaneShifts lane_shifts_of(const Activations& x, int64_t token);

/// "lanes12", "lanes12, halves".
extern const Rounding kLaneShifts, kLaneShiftsOfHalves;

}  // namespace ifm::avx512
