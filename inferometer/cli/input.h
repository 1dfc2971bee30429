#pragma once

#include <cstdio>
#include <string>

namespace ifm {

/// Everything that a stream holds. @throws Error resource past 64 MiB, io.
[[nodiscard]] std::string read_input(std::FILE* stream, const std::string& name);

/// The next line without its end ("\n" or "\r\n") into `line`; false at the end of the stream.
/// @throws Error resource for a line past 64 MiB, io.
[[nodiscard]] bool read_line(std::FILE* stream, const std::string& name, std::string& line);

/// Everything that a file holds. @throws Error not_found, resource past 64 MiB, io.
[[nodiscard]] std::string read_text_file(const std::string& path);

}  // namespace ifm
