#pragma once

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "inferometer/format/checkpoint.h"
#include "inferometer/format/safetensors.h"
#include "inferometer/format/safetensors_writer.h"
#include "inferometer/format/test_files.h"
#include "inferometer/tensor/weight_matrix.h"
#include "tests/model/test_models.h"

namespace ifm::test {

inline std::filesystem::path tiny_llama() { return golden_folder() / "tiny-llama"; }

/// What becomes of the tiny Llama's tensors and config.json.
struct TinyChange {
  std::vector<TensorToWrite> tensors;  ///< added; they replace those of the same name
  std::vector<std::string> dropped;
  nlohmann::json config = nlohmann::json::object();  ///< fields that are set, null removes
};

inline TensorToWrite copy_of(const TensorView& view, const std::string& name) {
  return {name, view.dtype, view.shape, [bytes = view.bytes] { return std::vector<std::byte>(bytes.begin(), bytes.end()); }};
}

/// Writes the tiny Llama with this change into a folder that exists.
inline void write_changed(const Safetensors& tiny, const TinyChange& change, const std::filesystem::path& folder) {
  std::vector<TensorToWrite> out = change.tensors;
  for (const TensorView& view : tiny.tensors()) {
    const bool replaced = std::ranges::any_of(change.tensors, [&](const TensorToWrite& t) { return t.name == view.name; });
    if (!replaced && std::ranges::find(change.dropped, view.name) == change.dropped.end())
      out.push_back(copy_of(view, view.name));
  }
  write_safetensors(folder / "model.safetensors", out, {{"format", "mlx"}});
  for (const char* name : {"tokenizer.json", "tokenizer_config.json"}) {
    std::filesystem::copy_file(tiny_llama() / name, folder / name);
  }
  nlohmann::json config = nlohmann::json::parse(read_file(tiny_llama() / "config.json"));
  config.merge_patch(change.config);
  std::ofstream(folder / "config.json") << config;
}

template <typename T>
std::vector<std::byte> to_bytes(const std::vector<T>& values) {
  std::vector<std::byte> bytes(values.size() * sizeof(T));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

/// The weights of an affine matrix of the tiny Llama as bf16.
inline TensorToWrite plain_bf16(const Checkpoint& tiny, const std::string& from, const std::string& to, int64_t rows,
                                int64_t cols) {
  const WeightMatrix matrix = tiny.matrix(from, rows, cols);
  std::vector<float> row(static_cast<std::size_t>(cols));
  std::vector<uint16_t> values;
  for (int64_t i = 0; i < rows; ++i) {
    dequantize_row(matrix, i, row.data());
    for (const float value : row) values.push_back(f32_to_bf16(value));
  }
  return {to + ".weight", DType::bf16, {rows, cols}, [values] { return to_bytes(values); }};
}

inline TensorToWrite constant_bf16(const std::string& name, int64_t rows, int64_t cols, float value) {
  const std::vector<uint16_t> values(static_cast<std::size_t>(rows * cols), f32_to_bf16(value));
  return {name, DType::bf16, {rows, cols}, [values] { return to_bytes(values); }};
}

/// The high bytes of a linear congruential generator (Numerical Recipes).
inline TensorToWrite noise_u32(const std::string& name, int64_t rows, int64_t cols) {
  std::vector<uint8_t> values(static_cast<std::size_t>(rows * cols) * sizeof(uint32_t));
  uint32_t state = 1;
  for (uint8_t& value : values) {
    state = state * 1664525U + 1013904223U;
    value = static_cast<uint8_t>(state >> 24);
  }
  return {name, DType::u32, {rows, cols}, [values] { return to_bytes(values); }};
}

/// The tiny Llama with every other kind of layer: a head of its own and a layer in bf16, and one of 8 bits in groups of 32; and
/// without RoPE scaling.
inline void write_mixed(const std::filesystem::path& folder) {
  const Checkpoint tiny = Checkpoint::open(tiny_llama());
  const ModelConfig& config = tiny.config();
  const std::string plain = "model.layers.0.mlp.up_proj";
  const std::string wide = "model.layers.1.self_attn.o_proj";
  TinyChange change;
  change.tensors = {plain_bf16(tiny, "model.embed_tokens", "lm_head", config.vocab, config.hidden),
                    plain_bf16(tiny, plain, plain, config.intermediate, config.hidden),
                    noise_u32(wide + ".weight", config.hidden, config.hidden / 4),
                    constant_bf16(wide + ".scales", config.hidden, config.hidden / 32, 0x1p-10F),
                    constant_bf16(wide + ".biases", config.hidden, config.hidden / 32, -0x1p-3F)};
  change.dropped = {plain + ".scales", plain + ".biases"};
  change.config = {{"tie_word_embeddings", false},
                   {"rope_scaling", nullptr},
                   {"quantization", {{plain, false}, {wide, {{"group_size", 32}, {"bits", 8}}}}}};
  write_changed(*tiny.safetensors(), change, folder);
}

}  // namespace ifm::test
