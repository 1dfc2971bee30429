#pragma once

#include <cstddef>
#include <cstdint>

#include "inferometer/kernel/avx512/records.h"
#include "inferometer/kernel/kernels.h"

namespace ifm::avx512 {

/// Inputs as 16-bit integers in two int8 digits with one f32 scale per 64 values: x ~ scale * (256 * high + low), in records:
///   0: (16 quads, 4 tokens, 4 values) high s8 · 256: low, alike · 512: starts, minus the weights' zero times the sum of the
///   integers, of the record (4 tokens) i32 · 528: of its halves (2, 4) · 560: of its subgroups (4, 4) · 624: scales (4) f32 ·
///   640: scale times sum, of the record (4) f32 · 656: of its halves (2, 4).
inline constexpr int64_t kDigitRecordBytes = 704;

/// "int16". The weights' zero is 8, 16, 32 or 128. Split: of each 8 values the even ones, then the odd ones, as MLX nibbles lie.
extern const Rounding kInt16Zero8Split, kInt16Zero8, kInt16Zero16, kInt16Zero32, kInt16Zero128;

}  // namespace ifm::avx512
