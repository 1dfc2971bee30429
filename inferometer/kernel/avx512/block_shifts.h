#pragma once

#include <cstddef>
#include <cstdint>

#include "inferometer/kernel/kernels.h"

namespace ifm::avx512 {

/// Inputs of super-blocks of 256 weights (super_block_rows.h) as int8 with a power-of-two shift per 16 values, a lane of a block,
/// and one f32 base per token: x ~ base * (integer << shift).
struct BlockShifts {
  /// What a block has, 64 bytes each: inputs of the low nibbles' even and odd dwords, of the high nibbles' even and odd ones, for
  /// each lane the bits of the float 1.5 * 2^23 with the shift added to its exponent, and what the row's factors() are
  /// multiplied with: sums of the inputs as rounded, in bases, times the offsets' sign and unit.
  static constexpr int64_t kBlockBytes = 6 * 64;

  const std::byte* first_block = nullptr;  ///< the others lie before it, as lines of Digits do
  float base = 0;

  [[nodiscard]] const std::byte* block(int64_t index) const { return first_block - index * kBlockBytes; }
};

/// One token's part of x.rounded.
[[nodiscard]] BlockShifts block_shifts_of(const Activations& x, int64_t token);

/// "eights12, 32 apart" (Q4_K, Q5_K) and "eights12, 64 apart" (Q6_K): the high nibbles' inputs stand that far behind the low
/// ones'. k % 256 == 0.
extern const Rounding kEights32Apart, kEights64Apart;

}  // namespace ifm::avx512
