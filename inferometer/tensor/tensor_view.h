#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "inferometer/tensor/dtype.h"

namespace ifm {

/// A validated tensor inside a mapped file: bytes.size() is what shape and dtype say. May be unaligned.
struct TensorView {
  std::string name;
  DType dtype = DType::f32;
  std::vector<int64_t> shape;  ///< outermost first (GGUF's order is reversed on reading)
  std::span<const std::byte> bytes;
};

}  // namespace ifm
