#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "inferometer/hub/hub_name.h"

namespace ifm {

/// Where Ollama keeps its models: OLLAMA_MODELS, else ~/.ollama/models.
[[nodiscard]] std::filesystem::path ollama_folder();

/// The GGUF of NAME, NAME:TAG or OWNER/NAME:TAG as Ollama calls it (no TAG: latest); nullopt when it is not there, and for a name
/// that cannot be one. The file has no ending: it lies in blobs/sha256-DIGEST, which a manifest names.
/// Source: ollama/ollama, server/internal/manifest.
[[nodiscard]] std::optional<std::filesystem::path> find_in_ollama(std::string_view name);

/// What `ollama pull hf.co/owner/name:QUANTIZATION` fetched.
[[nodiscard]] std::optional<std::filesystem::path> find_in_ollama(const HubName& name);

/// Names of the models there: "llama3.2:1b", "owner/name:tag".
[[nodiscard]] std::vector<std::string> ollama_names();

}  // namespace ifm
