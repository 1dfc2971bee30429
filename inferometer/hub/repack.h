#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "inferometer/format/model_config.h"
#include "inferometer/tensor/tensor_view.h"

namespace ifm {

/// In which order rows are read from a GGUF matrix.
struct RowOrder {
  int64_t head_dim = 0;  ///< q and k: rows are un-permuted within heads of this many; 0 = as they lie

  /// The GGUF row that is Hugging Face's row `row`: (heads, d/2, 2) becomes (heads, 2, d/2).
  [[nodiscard]] int64_t source(int64_t row) const {
    if (head_dim == 0) return row;
    const int64_t within = row % head_dim;
    const int64_t half = head_dim / 2;
    return row - within + (within % half) * 2 + within / half;
  }
};

/// MLX's form of a tensor type of GGUF, when there is one that loses nothing: Q4_0, Q4_1 (4 bits) and Q8_0 (8 bits), group 32.
[[nodiscard]] std::optional<AffineConfig> affine_form(DType dtype);

/// The packed weights of a Q4_0, Q4_1 or Q8_0 matrix: (rows, cols * bits / 32) u32, lowest bits first.
[[nodiscard]] std::vector<std::byte> affine_weights(const TensorView& tensor, const RowOrder& order);
/// (rows, cols / 32) f16: every block's scale, bit for bit.
[[nodiscard]] std::vector<std::byte> affine_scales(const TensorView& tensor, const RowOrder& order);
/// (rows, cols / 32) f16: Q4_1's minimum bit for bit, otherwise -8 or -128 scales, exact.
/// @throws Error unsupported naming the tensor when that is no finite f16.
[[nodiscard]] std::vector<std::byte> affine_biases(const TensorView& tensor, const RowOrder& order);
/// An unquantized tensor's bytes in another order of rows.
[[nodiscard]] std::vector<std::byte> plain_rows(const TensorView& tensor, const RowOrder& order);

}  // namespace ifm
