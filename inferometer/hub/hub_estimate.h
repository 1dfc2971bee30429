#pragma once

#include <cstdint>
#include <optional>

#include "inferometer/format/gguf_head.h"
#include "inferometer/format/model_config.h"

namespace ifm {

/// What a model will need, told from its configuration and the size of its weights alone.
struct HubEstimate {
  int64_t memory_bytes = 0;     ///< weights and an f16 KV cache of `context` positions
  int64_t context = 0;          ///< the model's, at most what the embedded engine holds unless asked for more
  int64_t bytes_per_token = 0;  ///< weights that one decode step reads: all but the embedding table of a separate head
};

/// weight_bytes: of all weight files. Takes the table to be as densely packed as the rest.
[[nodiscard]] HubEstimate estimate_needs(const ModelConfig& config, int64_t weight_bytes);
/// The same from the head of a GGUF of `file_bytes`, which does not tell whether the head is tied: the whole file counts as read.
/// Nullopt when it lacks what must be known.
[[nodiscard]] std::optional<HubEstimate> estimate_needs(const GgufHead& head, int64_t file_bytes);

}  // namespace ifm
