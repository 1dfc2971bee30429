#pragma once

#include <filesystem>
#include <string>

namespace ifm {

/// Fetches one wheel with pip into a folder; nothing is installed. `python`: the interpreter whose pip is used.
/// @throws Error not_found when there is no python or pip, network with pip's own words.
[[nodiscard]] std::filesystem::path download_wheel(const std::string& python, const std::string& package,
                                                   const std::string& version, const std::filesystem::path& folder);

/// Takes one file out of a zip archive. @throws Error not_found when there is no such member, invalid_data, io.
void extract_member(const std::filesystem::path& archive, const std::string& member, const std::filesystem::path& file);

/// @throws Error invalid_data naming both digests when they differ.
void check_sha256(const std::filesystem::path& file, const std::string& expected);

}  // namespace ifm
