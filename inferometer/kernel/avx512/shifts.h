#pragma once

#include <cstddef>
#include <cstdint>

#include "inferometer/kernel/avx512/records.h"
#include "inferometer/kernel/kernels.h"

namespace ifm::avx512 {

/// Inputs as int8 with a power-of-two shift per 16 values and one f32 base per token: x ~ base * (q << shift), in records:
///   0: (16 quads, 4 tokens, 4 values) s8 · 256: shifts (4 subgroups, 4 tokens) i32 · 320: starts, minus the weights' zero times
///   the subgroup's sum of q, alike · 384: (4 tokens) pairs of bf16 sums of q << shift, of the two halves · 400: the same of this
///   record and the next, valid in every second record of a span. Behind all records: bases (tokens) f32.
inline constexpr int64_t kShiftRecordBytes = 416;

/// (tokens, rounded up to blocks)
[[nodiscard]] const float* bases_of(const Activations& x, const SpanCut& cut);

/// "shifts14": shifts of 0 … 14, for weights of up to 6 bits; the weights' zero is 8, 16 or 32. `split`: of each 8 values the
/// even ones, then the odd ones, as MLX nibbles lie; else in order.
extern const Rounding kShifts14Zero8Split, kShifts14Zero8, kShifts14Zero16, kShifts14Zero32;
/// "shifts10": shifts of 0 … 10, for 8-bit weights with the zero 128.
extern const Rounding kShifts10Zero128;

}  // namespace ifm::avx512
