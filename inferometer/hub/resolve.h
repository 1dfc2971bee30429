#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace ifm {

/// Where models are kept, and whether the network may be used.
struct HubOptions {
  std::filesystem::path
      home;  ///< cache folder; empty = INFEROMETER_HOME, else XDG_CACHE_HOME/inferometer, else ~/.cache/inferometer
  bool offline = false;
};

/// The cache folder that these options mean.
[[nodiscard]] std::filesystem::path cache_folder(const HubOptions& options);

/// A model's name turned into a place.
struct ResolvedModel {
  std::string name;            ///< as the user wrote it
  std::filesystem::path path;  ///< a folder or a .gguf
};

/// MODEL is a folder, a GGUF file, a registry name that was pulled, a name of the Hugging Face Hub (hf:owner/name, see HubName)
/// that lies in one of the caches of find_in_caches, or ollama:name:tag. Downloads nothing.
/// @throws Error not_found: says what was looked for and the command that would get it.
[[nodiscard]] ResolvedModel resolve_model(const std::string& model, const HubOptions& options);

/// Models in the cache folder, by name.
[[nodiscard]] std::vector<ResolvedModel> cached_models(const HubOptions& options);

}  // namespace ifm
