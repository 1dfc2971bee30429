#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ifm {

/// GPT-2's way to write bytes as printable characters: printable Latin-1 stands for itself, the other 68 bytes are U+0100 onwards
/// ("Ġ" is the space). Vocabularies and merges of byte-level BPE are written in it.

/// Appends the written form of the bytes.
void append_written(std::string& out, std::string_view bytes);
/// The bytes behind a written form; null when it holds a character that stands for no byte.
[[nodiscard]] std::optional<std::string> bytes_of_written(std::string_view written);

}  // namespace ifm
