#pragma once

namespace ifm {

/// Arithmetic of the embedded engine's matrix products.
enum class Accuracy {
  fast,   ///< activations rounded to int8, one scale per 8 values; integer dots
  exact,  ///< f32 activations, weights dequantized to f32
};

[[nodiscard]] const char* to_string(Accuracy accuracy);

}  // namespace ifm
