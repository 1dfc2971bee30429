#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "inferometer/format/gguf.h"

namespace ifm {

/// What the bytes of a GGUF file say; tensor views point into them.
struct GgufContent {
  int version = 0;
  std::map<std::string, GgufValue, std::less<>> metadata;
  std::vector<TensorView> tensors;  ///< in the file's order
};

/// Validates the bytes of a GGUF file: header, metadata, and tensors that lie one after the other in the data section.
/// subject: what messages name. Memory and time are linear in the file's size, whatever its counts say.
/// @throws Error invalid_data (FAULTS 36-47, 52), unsupported for a tensor type that we do not hold and for split files.
[[nodiscard]] GgufContent parse_gguf(std::span<const std::byte> file, const std::string& subject);

}  // namespace ifm
