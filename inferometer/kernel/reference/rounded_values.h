#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace ifm::reference {

/// The scalar definition of each Rounding by its name: what x (n, k) becomes, as f32. Tests hold every set's products against it.
/// - "eights": int8 with an f32 scale per 8 values, max|x| / 127.
/// - "int8 per 32": the same per 32 values.
/// - "two digits per 8", "two digits per 32": 256 * first + second, both int8; scale max|x| / (127 * 256).
/// - "digits": integers of at most 30,590 in magnitude with an f32 scale per 64 values. From the last of each 8 values down to
/// the
///   first, each is rounded after a sixteenth of the integer before it is taken off, and stands for its integer plus that
///   sixteenth. "digits, halves" does so over 0, 16, 1, 17, 2, 18, 3, 19 of each block of 32, then over 4, 20, 5 and so on.
/// - "sixteens12": the same rounding by sixteenths into integers << f per 16 values, with one base per token, and f and c as in
///   "shifts12", where 127.4 takes the place of 127 and a value less a sixteenth of the one after it, itself so lessened, that of
///   a value. "sixteens12, halves" does so in the places of "digits, halves", 16 at a time.
/// - "quads12": as "shifts12", with a shift per 4 values. "eights12, D apart" (32, 64): per eight and the eight that stand D
///   further on.
/// - "int16": integers of at most 32,639 in magnitude with an f32 scale per 64 values.
/// - "eightsD" (16, 32): the same with four values and the four that stand D further on.
/// - "shiftsN": int8 q << (N - f) times one base per token, with f = min(N, floor(log2(c top / largest of 16 values))) and
///   base = c top / 127 / 2^N; top is the token's largest magnitude, c the one of 1, 2^1/4, 2^1/2, 2^3/4 with the smallest
///   c^2 sum of 4^-f. A token whose top is below 2^-100 is zero.
/// - "multiples14": int8 q times a whole number m per 16 values times one base per token: base = top / 127 / 2^14,
///   m = ceil(2^14 largest of 16 values / top), q = x / (m base). A token whose top is below 2^-100 is zero.
/// - "words32": int16 with an f32 scale per 32 values, max|x| / 32767; values are zeros where that is below 2^-100 / 32767.
/// @throws Error usage for a name without a definition.
[[nodiscard]] std::vector<float> rounded_values(std::string_view rounding, std::span<const float> x, int64_t k);

}  // namespace ifm::reference
