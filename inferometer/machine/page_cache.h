#pragma once

#include <filesystem>
#include <optional>
#include <vector>

namespace ifm {

/// Share of the files' pages that are in the page cache, 0…1; null when it cannot be asked. Costs about a millisecond a GB.
[[nodiscard]] std::optional<double> resident_share(const std::vector<std::filesystem::path>& files);

/// Asks the OS to forget the files' clean pages. False when the OS has no such call or refuses; pages that another process has
/// mapped may stay, so ask resident_share() afterwards.
[[nodiscard]] bool drop_page_cache(const std::vector<std::filesystem::path>& files);

/// The weight files of a model: `path` itself when it is a file, otherwise the .safetensors and .gguf files of the folder,
/// sorted.
[[nodiscard]] std::vector<std::filesystem::path> weight_files_of(const std::filesystem::path& path);

}  // namespace ifm
