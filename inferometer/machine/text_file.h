#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ifm {

/// Small text files of /proc and /sys; what is not there is empty, never an error.
[[nodiscard]] std::vector<std::string> lines_of(const std::filesystem::path& file);
[[nodiscard]] std::string first_line_of(const std::filesystem::path& file);
/// The file's first line as a number; null when it is not there or is none.
[[nodiscard]] std::optional<double> number_of(const std::filesystem::path& file);
/// Why nothing can be read from a file, in the OS's words: "Permission denied"; empty when something can, or the file is empty.
[[nodiscard]] std::string why_unreadable(const std::filesystem::path& file);
/// Decimal numbers in a line, in order, whatever stands between them.
[[nodiscard]] std::vector<double> numbers_in(std::string_view line);
[[nodiscard]] std::optional<double> first_number_in(std::string_view line);
/// What a folder holds, sorted.
[[nodiscard]] std::vector<std::filesystem::path> children_of(const std::filesystem::path& folder);

}  // namespace ifm
