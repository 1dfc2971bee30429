#pragma once

#include <cstddef>
#include <cstdint>

namespace ifm {

/// Inputs rounded to int8 with one f32 scale per 8 values, max|x| / 127: n tokens of k values, k % 32 == 0. The order of the
/// bytes within a token is an agreement between a set's rounding and its products. The scale of zeros is 0, of values that are
/// not finite NaN.
struct Eights {
  int8_t* q = nullptr;     ///< (n, k) in [-127, 127]
  float* scale = nullptr;  ///< (n, k / 8)
  float* sum = nullptr;    ///< (n, k / 32) sums of scale * q
};

[[nodiscard]] int64_t eights_bytes(int64_t n, int64_t k);
/// Where the parts lie in eights_bytes(n, k) bytes, each 64-byte aligned.
[[nodiscard]] Eights eights_in(std::byte* rounded, int64_t n, int64_t k);
/// For reading only.
[[nodiscard]] Eights eights_in(const std::byte* rounded, int64_t n, int64_t k);

}  // namespace ifm
