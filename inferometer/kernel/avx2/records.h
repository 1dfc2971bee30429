#pragma once

#include <cstddef>
#include <cstdint>

#include "inferometer/kernel/kernels.h"

namespace ifm::avx2 {

/// Rounded inputs of prefill: a record holds 32 values of a block of 4 tokens, in the order in which a tile product reads them.
/// Records of a block follow one another; tokens behind the last are copies of it.

/// "multiples14". 0: (8 quads, 4 tokens, 4 values) s8 · 128: (2 sixteens, 4 tokens) multiples, each twice as int16 · 160: (4
/// tokens) f32 sums of multiple * q. Behind all records: one f32 base per token.
inline constexpr int64_t kNarrowRecord = 176;
/// "words32". 0: (16 pairs, 4 tokens, 2 values) int16 · 256: (4 tokens) f32 scales · 272: (4 tokens) f32 sums of scale * q.
inline constexpr int64_t kWideRecord = 288;

extern const Rounding kNarrowRounding, kWideRounding;

/// The first record of a block of 4 tokens from value `begin` on.
[[nodiscard]] const std::byte* narrow_records(const Activations& x, int64_t block, int64_t begin);
[[nodiscard]] const std::byte* wide_records(const Activations& x, int64_t block, int64_t begin);
/// (n) f32.
[[nodiscard]] const float* narrow_bases(const Activations& x);

}  // namespace ifm::avx2
