#pragma once

namespace ifm {

/// Arithmetic of the embedded engine's matrix products.
enum class Accuracy {
  fast,   ///< activations rounded to int8 where that is faster; exact weights, integer dots
  exact,  ///< activations of 16 bits, f32 where weights are plain; exact weights
};

[[nodiscard]] const char* to_string(Accuracy accuracy);

}  // namespace ifm
