#pragma once

#include <cstddef>
#include <cstdint>

#include "inferometer/kernel/kernels.h"

namespace ifm::avx2 {

/// Rounded inputs of decode steps: lanes of 8 values in steps of 64. Which values make a lane, its first four and its last four,
/// follows the packings' bytes and their nibbles:
/// - split: 8 L … 8 L + 7, the even ones and then the odd ones;
/// - by 16: of block L / 4 of 32: 4 (L % 4) … + 3, and those 16 further on;
/// - by 32: 4 L … + 3, and those 32 further on.
/// "eights" (split), "eights16", "eights32": int8 with an f32 scale for a lane. A step is kStepBytes: 32 s8 of the first fours,
/// 32 of the last, 8 f32 scales. "words32": int16 with an f32 scale for 32 values. A step is kWordStepBytes: the words of what
/// are bytes there, as unpacklo and unpackhi of bytes with zeros would leave them, (2, 2, 16) int16, then the scales of the first
/// and second 32 values, four times each. Behind a token's steps follow f32 sums of scale * q of each 32 and of each 16 values.
/// What is missing to whole steps, and of sums to chunks of 256 values, is zero.
inline constexpr int64_t kStepValues = 64;
inline constexpr int64_t kStepBytes = 96;
inline constexpr int64_t kWordStepBytes = 160;

extern const Rounding kSplitRounding, kBy16Rounding, kBy32Rounding;
extern const Rounding kSplitWordRounding, kBy16WordRounding, kBy32WordRounding;
/// "words32" in order. A token: int16 (k), then f32 scales and f32 sums of scale * q, one of 32 values each.
extern const Rounding kWordRounding;

/// A token's parts.
struct Steps {
  const std::byte* at = nullptr;
  const float* sums32 = nullptr;
  const float* sums16 = nullptr;
};
struct WordSteps : Steps {};
struct Words {
  const int16_t* q = nullptr;
  const float* scales = nullptr;
  const float* sums = nullptr;
};
void find_token(const Activations& x, int64_t token, Steps& to);
void find_token(const Activations& x, int64_t token, WordSteps& to);
void find_token(const Activations& x, int64_t token, Words& to);

}  // namespace ifm::avx2
