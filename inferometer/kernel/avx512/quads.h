#pragma once

#include <cstddef>
#include <cstdint>

#include "inferometer/kernel/kernels.h"

namespace ifm::avx512 {

/// Inputs of 8-bit weights as int8 with a power-of-two shift per four consecutive values, a lane, and one f32 base per token,
/// x ~ base * (integer << shift). Lines of 64 values descend, as those of Digits; the last one is filled up with zeros.
struct Quads {
  const int8_t* lines = nullptr;    ///< (lines, 64)
  const uint8_t* shifts = nullptr;  ///< (lines, 16)
  const float* sums = nullptr;      ///< of each 32 values as rounded, in bases
  float base = 0;
  int64_t count = 0;  ///< lines
};

/// One token's part of x.rounded.
[[nodiscard]] Quads quads_of(const Activations& x, int64_t token);

/// "quads12".
extern const Rounding kQuads;

}  // namespace ifm::avx512
