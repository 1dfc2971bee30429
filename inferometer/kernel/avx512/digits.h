#pragma once

#include <cstddef>
#include <cstdint>

#include "inferometer/kernel/kernels.h"

namespace ifm::avx512 {

/// Inputs of 4-bit weights (nibble_lines.h) as 16-bit integers in two int8 digits, 256 * high + low, with one f32 scale per 64
/// values. Lines descend: line 0 lies last, which keeps the walk over them apart from the ascending walk over the weights.
struct Digits {
  const int8_t* lines = nullptr;      ///< (lines) of (high of a, high of e, low of a, low of e), 64 bytes each
  const float* scales = nullptr;      ///< (2 * lines) one per 64 values, 1/16 included
  const float* sums_of_64 = nullptr;  ///< (2 * lines) sums of the inputs as rounded
  const float* sums_of_32 = nullptr;  ///< (4 * lines); 64 bytes behind each of the three can be read
  int64_t count = 0;                  ///< lines

  [[nodiscard]] const int8_t* line(int64_t index) const { return lines + (count - 1 - index) * 256; }
};

/// One token's part of x.rounded.
[[nodiscard]] Digits digits_of(const Activations& x, int64_t token);

/// "digits". A lane's nibbles are 8 consecutive values (MLX), or of a block of 32 alternately 4 of its first and 4 of its second
/// half (GGML): named "digits, halves".
extern const Rounding kDigits, kDigitsOfHalves;

}  // namespace ifm::avx512
