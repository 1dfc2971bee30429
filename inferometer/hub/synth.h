#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "inferometer/hub/convert.h"

namespace ifm {

/// What a synthetic model is written as.
enum class SynthFormat { mlx, gguf };

struct SynthOptions {
  SynthFormat format = SynthFormat::mlx;
  std::string type = "q4_0";  ///< GGUF only: a name of gguf_mixes()
  uint64_t seed = 1;
};

/// Names that synthesize() knows: "llama-3.2-1b" (the exact shapes of Llama-3.2-1B-Instruct, 4-bit, group 64), "tiny-llama".
[[nodiscard]] std::vector<std::string_view> synth_names();

/// Writes a model with random weights and a synthetic tokenizer: an MLX folder, or a .gguf file. With the same seed every format
/// and type holds exactly the same weights (4 bits wide, whatever the type). Whole or not at all.
/// @throws Error usage for an unknown name or type, or when `path` exists; io.
void synthesize(const std::string& name, const SynthOptions& options, const std::filesystem::path& path, const Say& say);

}  // namespace ifm
