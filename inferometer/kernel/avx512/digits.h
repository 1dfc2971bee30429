#pragma once

#include <cstddef>
#include <cstdint>

#include "inferometer/kernel/kernels.h"

namespace ifm::avx512 {

/// Inputs of 4-bit weights (nibble_lines.h) as 16-bit integers in two int8 digits, 256 * high + low, with one f32 scale per 64
/// values. Pairs of lines descend: the first lies last, which keeps the walk over them apart from the ascending walk over the
/// weights.
struct Digits {
  /// What a pair has, 64 bytes each: a and e of the even lanes, a and e of the odd ones; high digits, then low ones.
  static constexpr int64_t kPairBytes = 8 * 64;

  const std::byte* first_pair = nullptr;
  const float* scales = nullptr;      ///< (4 * pairs) one per 64 values, 1/16 included
  const float* sums_of_64 = nullptr;  ///< (4 * pairs) sums of the inputs as rounded
  const float* sums_of_32 = nullptr;  ///< (8 * pairs); 64 bytes behind each of the three can be read

  [[nodiscard]] const std::byte* pair(int64_t index) const { return first_pair - index * kPairBytes; }
};

/// One token's part of x.rounded.
[[nodiscard]] Digits digits_of(const Activations& x, int64_t token);

/// "digits". A lane's nibbles are 8 consecutive values (MLX), or of a block of 32 alternately 4 of its first and 4 of its second
/// half (GGML): named "digits, halves".
extern const Rounding kDigits, kDigitsOfHalves;

}  // namespace ifm::avx512
