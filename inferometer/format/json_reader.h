#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace ifm {

/// Parses untrusted JSON strictly: no duplicate keys, no NUL, nesting of at most 64, nothing after the value.
/// subject: what the message names, such as the file.
/// @throws Error invalid_data with the byte offset.
[[nodiscard]] nlohmann::json parse_json(std::string_view text, const std::string& subject);

/// parse_json of a whole file, which must hold an object and have at most 64 MiB. @throws Error also not_found, io.
[[nodiscard]] nlohmann::json read_json_object(const std::filesystem::path& file);

}  // namespace ifm
