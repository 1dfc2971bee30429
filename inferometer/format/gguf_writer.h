#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "inferometer/format/gguf.h"
#include "inferometer/format/safetensors_writer.h"

namespace ifm {

/// A metadata entry with the GGUF type that it is written as.
struct GgufEntry {
  enum class Type { u32, i32, f32, boolean, text, texts, i32s, f32s };
  std::string key;
  Type type = Type::u32;
  GgufValue value;
};

/// Writes a GGUF v3 file, alignment 32, whole or absent (see write_safetensors). @throws Error io.
void write_gguf(const std::filesystem::path& file, std::span<const GgufEntry> metadata, std::span<const TensorToWrite> tensors);

}  // namespace ifm
