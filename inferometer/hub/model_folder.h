#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "inferometer/hub/hub_name.h"

namespace ifm {

/// What a folder that a person named holds: itself when it has a config.json, or its only GGUF.
[[nodiscard]] std::optional<std::filesystem::path> model_in(const std::filesystem::path& folder);

/// What a folder of a cache holds of the model that `name` asks for, provided that it is all there: the folder itself when it has
/// config.json and every file of the weights, or the GGUF that name's file, quantization or the usual choice means.
[[nodiscard]] std::optional<std::filesystem::path> whole_model_in(const std::filesystem::path& folder, const HubName& name);

/// The names under which whole_model_in finds what the folder of the repository `name` holds: its own, and one with a file for
/// each other GGUF.
[[nodiscard]] std::vector<HubName> names_in(const std::filesystem::path& folder, const HubName& name);

/// Whether a file begins as a GGUF does, whatever it is called.
[[nodiscard]] bool begins_as_gguf(const std::filesystem::path& file);

}  // namespace ifm
