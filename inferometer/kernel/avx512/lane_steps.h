#pragma once

#include <cstddef>
#include <cstdint>

#include "inferometer/kernel/kernels.h"

namespace ifm::avx512 {

/// Inputs of unpacked weights as 16-bit integers in two int8 digits, x ~ scale * (256 * high + low), with one f32 scale per 64
/// values. Steps of 64 values (the last one filled up with zeros) of 16 lanes, four consecutive values each. Steps descend: step
/// 0 lies last, which keeps the walk over them apart from the ascending walk over the weights.
struct LaneStep {
  int8_t high[64];
  int8_t low[64];
  int32_t lane_sums[16];  ///< of the integers
  float scaled_sums[16];  ///< scale times lane sum
  float scale;
  float padding[15];
};
static_assert(sizeof(LaneStep) == 320);

[[nodiscard]] int64_t lane_steps_of(int64_t k);
/// One token's step 0; step i is i before it.
[[nodiscard]] const LaneStep* lane_steps(const Activations& x, int64_t token);

/// "int16".
extern const Rounding kInt16Lanes;

}  // namespace ifm::avx512
