#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "inferometer/format/checkpoint.h"

namespace ifm {

/// What can be told about a model without running it. Unknown texts are empty, unknown numbers nullopt.
struct ModelReport {
  std::filesystem::path path;
  std::string format;  ///< "MLX folder", "safetensors folder" or "GGUF v3"
  std::string name;    ///< as the model calls itself
  std::string license;
  ModelConfig config;
  std::string quantization;
  int64_t parameters = 0;
  int64_t weight_bytes = 0;  ///< of all tensors
  int64_t bytes_per_token =
      0;  ///< weights that one decode step reads at depth 0: layers, head, norms, one embedding row unless tied
  int64_t cache_bytes_per_position = 0;  ///< KV cache of one position, f16
  std::string tokenizer;                 ///< its pre-tokenizer: "llama3", "smollm"
  std::optional<int> tokens;
  std::string chat_template;  ///< its source; empty = none
};

/// Reads headers, configuration and tokenizer, no weights. @throws Error as Checkpoint::open and ModelText::open.
[[nodiscard]] ModelReport inspect_model(const std::filesystem::path& path);

/// Weights and a KV cache of `context` positions.
[[nodiscard]] int64_t memory_bytes(const ModelReport& report, int64_t context);

}  // namespace ifm
