#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "inferometer/format/gguf.h"
#include "inferometer/format/model_config.h"
#include "inferometer/format/safetensors.h"
#include "inferometer/tensor/weight_matrix.h"

namespace ifm {

/// A model on disk, MLX/Hugging Face folder or GGUF file, seen the same way: configuration and weights by Hugging Face's names
/// ("model.layers.0.self_attn.q_proj", "model.embed_tokens", "lm_head", "model.norm", …; no ".weight"). Owns the mappings.
class Checkpoint {
 public:
  /// `path`: a folder or a `.gguf` file.
  /// @throws Error not_found, io, invalid_data, unsupported; one line that names file and field or tensor.
  [[nodiscard]] static Checkpoint open(const std::filesystem::path& path);

  [[nodiscard]] const ModelConfig& config() const { return config_; }
  [[nodiscard]] bool has(std::string_view name) const;
  /// The matrix of a linear layer or embedding, shape checked. @throws Error invalid_data when absent or of another shape.
  [[nodiscard]] WeightMatrix matrix(const std::string& name, int64_t rows, int64_t cols) const;
  /// A norm's weights as f32, copied. @throws as matrix().
  [[nodiscard]] std::vector<float> vector(const std::string& name, int64_t size) const;
  /// Files that hold weights, for residency and hashing.
  [[nodiscard]] std::vector<std::filesystem::path> weight_files() const;
  /// Those files' mapped bytes.
  [[nodiscard]] std::vector<std::span<const std::byte>> mappings() const;
  /// Whether every weight that was read stood in its file. Cheap. @throws Error io when a file shrank since, or its disk failed.
  void check_intact() const;
  /// Sum of all tensors' bytes.
  [[nodiscard]] int64_t tensor_bytes() const;
  /// Number of weights (quantized tensors counted by element, scales and biases not).
  [[nodiscard]] int64_t parameters() const;
  /// "4-bit affine, group 64", "Q4_1 + Q8_0 + F32": what most bytes are made of, first.
  [[nodiscard]] std::string quantization() const;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  /// The file behind a GGUF checkpoint; null for folders.
  [[nodiscard]] const GgufFile* gguf() const { return std::get_if<GgufFile>(&store_); }
  [[nodiscard]] const Safetensors* safetensors() const { return std::get_if<Safetensors>(&store_); }

 private:
  // A tensor, or the three of an affine layer, as parameters() and quantization() count it.
  struct Part {
    std::string description;
    int64_t elements = 0;
    int64_t bytes = 0;
    std::size_t rank = 0;
  };
  [[nodiscard]] std::vector<Part> parts() const;
  Checkpoint(std::filesystem::path path, ModelConfig config, std::variant<Safetensors, GgufFile> store);
  std::filesystem::path path_;
  ModelConfig config_;
  std::variant<Safetensors, GgufFile> store_;
};

}  // namespace ifm
