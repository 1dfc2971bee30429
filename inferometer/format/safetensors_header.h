#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "inferometer/tensor/tensor_view.h"

namespace ifm {

/// What the bytes of one safetensors file say; the views point into them.
struct SafetensorsContent {
  std::vector<TensorView> tensors;  ///< by offset, and by name among empty ones
  std::map<std::string, std::string> metadata;
};

/// Validates the bytes of one safetensors file: header, and tensors that fill the rest without overlap or hole.
/// subject: what messages name. Cost: linear in the header.
/// @throws Error invalid_data (FAULTS 1-13), unsupported for an element type that we do not hold.
[[nodiscard]] SafetensorsContent parse_safetensors(std::span<const std::byte> file, const std::string& subject);

}  // namespace ifm
