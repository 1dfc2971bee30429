#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "inferometer/format/model_config.h"
#include "inferometer/tensor/tensor_view.h"
#include "inferometer/tensor/weight_matrix.h"

namespace ifm {

/// The three tensors of an MLX affine layer; null = absent from the file.
struct AffineParts {
  const TensorView& weight;
  const TensorView* scales = nullptr;
  const TensorView* biases = nullptr;
};

/// A weight's name in GGUF ("blk.0.attn_q.weight") for its Hugging Face name without ".weight"; empty when there is none.
[[nodiscard]] std::string gguf_weight_name(std::string_view name);
/// A type's name as people write it: "F16", "Q4_1".
[[nodiscard]] std::string upper_name(DType dtype);

/// subject: the file or folder that messages name.
/// @throws Error invalid_data when null.
[[nodiscard]] const TensorView& required_tensor(const TensorView* tensor, const std::string& name, const std::string& subject);
/// @throws Error invalid_data for another shape or an integer type, unsupported for a type that cannot be computed with.
[[nodiscard]] WeightMatrix plain_matrix(const TensorView& tensor, int64_t rows, int64_t cols, const std::string& subject);
/// @throws Error invalid_data (FAULTS 18).
[[nodiscard]] WeightMatrix affine_matrix(const AffineParts& parts, const AffineConfig& config, int64_t rows, int64_t cols,
                                         const std::string& subject);
/// A plain tensor of one axis as f32. @throws as plain_matrix().
[[nodiscard]] std::vector<float> vector_of(const TensorView& tensor, int64_t size, const std::string& subject);

}  // namespace ifm
