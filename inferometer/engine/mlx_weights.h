#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>

#include <mlx/array.h>
#include <mlx/dtype.h>

#include "inferometer/format/checkpoint.h"

namespace ifm {

/// What activations, norms and plain matrices are held and computed in.
enum class MlxActivations {
  f32,        ///< on a CPU, where 16-bit products are tens of times slower and less exact (docs/engines.md)
  of_folder,  ///< the embedding's 16 bits, as in mlx-lm: on a GPU
};

/// A linear layer or embedding as MLX computes with it, W: (rows, cols): packed with scales and biases, or plain.
struct MlxMatrix {
  mlx::core::array weight;
  std::optional<mlx::core::array> scales;  ///< null = weight is plain
  std::optional<mlx::core::array> biases;
  int group = 0;
  int bits = 0;

  /// x . W^T. x: (…, cols), result: (…, rows) in x's dtype.
  [[nodiscard]] mlx::core::array times(const mlx::core::array& x) const;
  /// Rows of W as `dtype`. ids: (…) int32, result: (…, cols).
  [[nodiscard]] mlx::core::array rows(const mlx::core::array& ids, mlx::core::Dtype dtype) const;
  /// Bytes that one product reads.
  [[nodiscard]] int64_t bytes() const;
};

/// An MLX folder's tensors, read by MLX, in the dtypes that the forward pass wants. Names and shapes are those that the
/// checkpoint has validated. Used within on_stream().
class MlxWeights {
 public:
  /// checkpoint: a folder; must outlive this. Reads nothing before it is asked.
  MlxWeights(const Checkpoint& checkpoint, MlxActivations activations);

  [[nodiscard]] mlx::core::Dtype dtype() const { return dtype_; }
  /// @throws Error as Checkpoint::matrix() and vector().
  [[nodiscard]] MlxMatrix matrix(const std::string& name, int64_t rows, int64_t cols) const;
  [[nodiscard]] mlx::core::array vector(const std::string& name, int64_t size) const;

 private:
  const Checkpoint& checkpoint_;
  std::unordered_map<std::string, mlx::core::array> arrays_;
  mlx::core::Dtype dtype_;
};

}  // namespace ifm
