#include "inferometer/engine/mlx_weights.h"

#include <mlx/io.h>
#include <mlx/ops.h>
#include <mlx/transforms.h>

namespace mx = mlx::core;

namespace ifm {
namespace {

constexpr int kRowAxis = 0;

/// The dtype that the embedding's rows have in mlx-lm, which all activations take over.
mx::Dtype folder_dtype(const std::unordered_map<std::string, mx::array>& arrays) {
  for (const char* name : {"model.embed_tokens.scales", "model.embed_tokens.weight"}) {
    if (const auto found = arrays.find(name); found != arrays.end()) return found->second.dtype();
  }
  return mx::float32;
}

}  // namespace

mx::array MlxMatrix::times(const mx::array& x) const {
  if (!scales) return mx::matmul(x, mx::transpose(weight));
  return mx::quantized_matmul(x, weight, *scales, biases, true, group, bits);
}

mx::array MlxMatrix::rows(const mx::array& ids, mx::Dtype dtype) const {
  const auto gather = [&](const mx::array& from) { return mx::take(from, ids, kRowAxis); };
  if (!scales) return mx::astype(gather(weight), dtype);
  return mx::dequantize(gather(weight), gather(*scales), gather(*biases), group, bits);
}

int64_t MlxMatrix::bytes() const {
  std::size_t bytes = weight.nbytes();
  if (scales) bytes += scales->nbytes() + biases->nbytes();
  return static_cast<int64_t>(bytes);
}

MlxWeights::MlxWeights(const Checkpoint& checkpoint, MlxActivations activations) : checkpoint_(checkpoint), dtype_(mx::float32) {
  for (const std::filesystem::path& file : checkpoint.weight_files()) arrays_.merge(mx::load_safetensors(file.string()).first);
  if (activations == MlxActivations::of_folder) dtype_ = folder_dtype(arrays_);
}

MlxMatrix MlxWeights::matrix(const std::string& name, int64_t rows, int64_t cols) const {
  const WeightMatrix checked = checkpoint_.matrix(name, rows, cols);
  const mx::array& weight = arrays_.at(name + ".weight");
  const bool affine = checked.packing == Packing::affine4 || checked.packing == Packing::affine8;
  MlxMatrix matrix{.weight = weight, .scales = {}, .biases = {}};
  if (affine) {
    // In the activations' dtype: MLX would convert them in every product (6 % of a decode step on a CPU).
    matrix.scales = mx::astype(arrays_.at(name + ".scales"), dtype_);
    matrix.biases = mx::astype(arrays_.at(name + ".biases"), dtype_);
    matrix.group = checked.group;
    matrix.bits = checked.packing == Packing::affine4 ? 4 : 8;
    mx::eval(matrix.weight, *matrix.scales, *matrix.biases);
  } else {
    // Now, not in every product.
    matrix.weight = mx::astype(weight, dtype_);
    mx::eval(matrix.weight);
  }
  return matrix;
}

mx::array MlxWeights::vector(const std::string& name, int64_t size) const {
  const std::vector<float> checked = checkpoint_.vector(name, size);
  mx::array vector = mx::astype(mx::array(checked.begin(), {static_cast<int>(size)}), dtype_);
  mx::eval(vector);
  return vector;
}

}  // namespace ifm
