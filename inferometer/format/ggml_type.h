#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "inferometer/tensor/dtype.h"

namespace ifm {

/// A tensor type of GGML by its number in files.
struct GgmlType {
  std::string_view name;       ///< GGML's name: "Q4_1"
  std::optional<DType> dtype;  ///< none: known, but not held
};

/// Null when the number is unknown or was removed.
/// Source: GGMLQuantizationType of the PyPI package gguf 0.19.0.
[[nodiscard]] const GgmlType* ggml_type(uint32_t id);
/// The number that a type is written as; nothing for types that GGUF lacks (unsigned and boolean).
[[nodiscard]] std::optional<uint32_t> ggml_type_id(DType dtype);

}  // namespace ifm
