#pragma once

#include <cstddef>
#include <cstdint>

#include "inferometer/kernel/kernels.h"

namespace ifm::avx512 {

/// Inputs as int8 with a power-of-two shift per lane and one f32 base per token, x ~ base * (integer << shift), for weights that
/// are unpacked to bytes. A lane holds a quad of four consecutive values in each of a line's one or two vectors of 16. Lines
/// descend, as those of Digits.
struct Quads {
  const int8_t* lines = nullptr;    ///< (lines, vectors, 64)
  const uint8_t* shifts = nullptr;  ///< (lines, 16)
  const float* sums = nullptr;      ///< of the inputs as rounded, in bases; of 32 values each, kQuads64Apart: of 16
  float base = 0;
  int64_t count = 0;  ///< lines
};

/// One token's part of x.rounded; `rounding` is the one that wrote it.
[[nodiscard]] Quads quads_of(const Rounding& rounding, const Activations& x, int64_t token);

/// "quads12": lines of 64 values, one vector. The last line is filled up with zeros.
extern const Rounding kQuads;
/// "quads12, 32 apart" and "quads12, 64 apart": lines of 128 values, two vectors. The second quad of a lane stands that far
/// behind the first one. k % 256 == 0.
extern const Rounding kQuads32Apart, kQuads64Apart;

}  // namespace ifm::avx512
