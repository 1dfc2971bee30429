#pragma once

#include <cstddef>
#include <cstdint>

#include "inferometer/kernel/kernels.h"

namespace ifm::avx512 {

/// Inputs of 4-bit weights as 16-bit integers in two int8 digits, 256 * high + low, with one f32 scale per 64 values, made so
/// that the weights' nibbles need no masks. A lane (dword) holds eight nibbles n0 … n7, lowest first, in bytes v; with u = v << 4
/// the eight weights times their inputs are
///   scale * (a0 v0 + … + a3 v3 + e0 u0 + … + e3 u3),
/// where u0 = 16 n0, ub = 16 n2b + n(2b-1) and vb = n2b + 16 n(2b+1). So the input of n2b is e_b + a_b / 16 and that of n(2b+1)
/// is a_b + e_(b+1) / 16; rounding from n7 down, each integer takes up what the ones before it left over. Values come in lines of
/// 128 (the last one filled up with zeros), 16 lanes each. Lines descend: line 0 lies last, which keeps the walk over them apart
/// from the ascending walk over the weights.
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
