#pragma once

#include "inferometer/kernel/kernels.h"

namespace ifm::neon {

/// Inputs as one or two int8 digits (value = scale * (256 * first + second)), in records. All per chunk of 32 values.
///
/// For decode each token has a stretch of its own: per chunk 32 bytes for each digit, then 4 scales of 8 values; after the last
/// chunk one sum of scaled values per chunk. Bytes lie in order, or, `split`, the 16 even ones before the 16 odd ones.
///
/// For prefill four tokens (the last ones filled up with zeros) share a stretch: per chunk for each digit 32 bytes for each
/// token, then 4 scales, then 4 sums. Bytes lie token after token, or, `pairs`, 8 of each token in turn.
template <int Digits>
inline constexpr int64_t kDecodeChunk = 32 * Digits + 16;
template <int Digits>
inline constexpr int64_t kPrefillChunk = 4 * (32 * Digits + 8);

/// Bytes of one token's stretch for decode.
template <int Digits>
constexpr int64_t decode_stretch(int64_t k) {
  return (k / 32 * (kDecodeChunk<Digits> + 4) + 63) / 64 * 64;
}
/// Bytes of four tokens' stretch for prefill.
template <int Digits>
constexpr int64_t prefill_stretch(int64_t k) {
  return (k / 32 * kPrefillChunk<Digits> + 63) / 64 * 64;
}

extern const Rounding kDecodeInOrder[2], kDecodeSplit[2];    ///< by digits less one
extern const Rounding kPrefillInOrder[2], kPrefillPairs[2];  ///< by digits less one

}  // namespace ifm::neon
