#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "inferometer/tensor/dtype.h"

namespace ifm {

/// How a weight matrix lies in memory; the layout on disk is the layout that kernels read.
enum class Packing {
  f32,
  f16,
  bf16,
  affine4,  ///< MLX 4-bit: (rows, cols/8) u32, low nibble first; w = scale * q + bias per group
  affine8,  ///< MLX 8-bit: (rows, cols/4) u32, low byte first; w = scale * q + bias per group
  q4_0,     ///< GGML block of 32: f16 d, 16 bytes; w = d * (q - 8); byte j holds weights j (low nibble) and j + 16
  q4_1,     ///< GGML block of 32: f16 d, f16 m, 16 bytes; w = d * q + m
  q8_0,     ///< GGML block of 32: f16 d, 32 int8; w = d * q
  q6_k,     ///< GGML super-block of 256: 128 B low nibbles, 64 B high pairs, 16 int8 scales, f16 d; w = d * scale * (q - 32)
  q5_0,     ///< GGML block of 32: f16 d, u32 fifth bits, 16 bytes as q4_0; w = d * (q - 16)
  q5_1,     ///< GGML block of 32: f16 d, f16 m, u32 fifth bits, 16 bytes as q4_0; w = d * q + m
  q4_k,     ///< GGML super-block of 256: f16 d, f16 dmin, 12 B of 6-bit scales and mins, 128 B; w = d * scale * q - dmin * min
  q5_k,     ///< as q4_k, with 32 B of fifth bits before the 128 B
};

/// Number of packings; q5_k is the last.
inline constexpr std::size_t kPackings = static_cast<std::size_t>(Packing::q5_k) + 1;

/// A view of the weights of `y = W x`, W: (rows, cols). Does not own; the mapped file must outlive it. Pointers may be unaligned.
struct WeightMatrix {
  Packing packing = Packing::f32;
  int64_t rows = 0;
  int64_t cols = 0;
  int group = 0;                      ///< affine only: 32, 64 or 128 columns share one scale and bias; divides cols
  DType scale_dtype = DType::f16;     ///< affine only: f16, bf16 or f32, of scales and biases
  const std::byte* data = nullptr;    ///< rows * row_bytes bytes
  const std::byte* scales = nullptr;  ///< affine only: (rows, cols / group)
  const std::byte* biases = nullptr;  ///< affine only: (rows, cols / group)
  int64_t row_bytes = 0;              ///< bytes of one row in data, without scales and biases
};

/// Bytes that one pass over the matrix reads: weights, scales and biases.
[[nodiscard]] int64_t bytes_of(const WeightMatrix& matrix);
/// For people: "4-bit affine, group 64" or "Q4_1".
[[nodiscard]] std::string describe(const WeightMatrix& matrix);

/// Writes row `row` as f32, the scalar definition of every packing: w = scale * q + bias rounded to f32 after each operation.
/// out: (cols) f32.
void dequantize_row(const WeightMatrix& matrix, int64_t row, float* out);

}  // namespace ifm
