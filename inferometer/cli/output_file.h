#pragma once

#include <filesystem>
#include <functional>
#include <ostream>
#include <string>

namespace ifm {

/// @throws Error io.
void make_folder(const std::filesystem::path& folder);

/// A name beside `file` that no other process uses.
[[nodiscard]] std::filesystem::path temporary_beside(const std::filesystem::path& file);

/// Gives a file that is written its name. @throws Error io; `from` is gone then.
void move_into_place(const std::filesystem::path& from, const std::filesystem::path& to);

/// Writes a file, whole or not at all: readers never see half of it. Its folder is made. @throws Error io.
void write_whole(const std::filesystem::path& file, const std::function<void(std::ostream&)>& write);
void write_whole(const std::filesystem::path& file, const std::string& bytes);

}  // namespace ifm
