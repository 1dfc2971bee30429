#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "inferometer/tensor/dtype.h"

namespace ifm {

/// A tensor to be written: its bytes are produced when their turn comes, so that a model never stands in memory whole.
struct TensorToWrite {
  std::string name;
  DType dtype = DType::f32;
  std::vector<int64_t> shape;                       ///< outermost first
  std::function<std::vector<std::byte>()> produce;  ///< exactly the bytes that dtype and shape say
};

/// Writes a safetensors file: to a temporary name beside it, synced, then renamed, so that it is whole or absent.
/// @throws Error io.
void write_safetensors(const std::filesystem::path& file, std::span<const TensorToWrite> tensors,
                       const std::map<std::string, std::string>& metadata);

}  // namespace ifm
