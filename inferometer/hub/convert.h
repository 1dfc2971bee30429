#pragma once

#include <filesystem>
#include <functional>
#include <string_view>

namespace ifm {

/// Is told what long work is doing: one line each time.
using Say = std::function<void(std::string_view)>;

/// Turns a GGUF file into an MLX folder that dequantizes to the same numbers: Q4_0, Q4_1 and Q8_0 become affine groups of 32 with
/// f16 scales, F32, F16 and BF16 stay; q and k rows are un-permuted, names become Hugging Face's. Writes model.safetensors,
/// config.json, generation_config.json, tokenizer.json and tokenizer_config.json, whole or not at all.
/// @throws Error usage when `folder` exists and is not empty; unsupported naming a tensor that would lose something;
/// invalid_data, io.
void convert_to_mlx(const std::filesystem::path& gguf, const std::filesystem::path& folder, const Say& say);

/// The same without its own staging: into an existing folder.
void write_mlx_folder(const std::filesystem::path& gguf, const std::filesystem::path& folder, const Say& say);

}  // namespace ifm
