#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace ifm {

/// The variable's value; empty counts as unset.
[[nodiscard]] std::optional<std::string> environment(const char* name);
/// Whether a variable says yes, as the Hugging Face tools read it: 1, on, yes, true.
[[nodiscard]] bool environment_says_yes(const char* name);
/// @throws Error usage when HOME is not set.
[[nodiscard]] std::filesystem::path home_folder();
/// XDG_CACHE_HOME, else ~/.cache.
[[nodiscard]] std::filesystem::path user_cache_folder();

[[nodiscard]] bool is_file(const std::filesystem::path& path);
[[nodiscard]] bool is_folder(const std::filesystem::path& path);
/// What lies in a folder, sorted; nothing when it cannot be read.
[[nodiscard]] std::vector<std::filesystem::path> entries_of(const std::filesystem::path& folder);
/// Every file below a folder, as paths relative to it, sorted; links to files count, links to folders are not followed.
[[nodiscard]] std::vector<std::string> files_below(const std::filesystem::path& folder);

}  // namespace ifm
