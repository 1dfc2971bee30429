#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace ifm {

/// One step through bytes that should be UTF-8.
struct Utf8Char {
  char32_t code = 0;     ///< meaningful only when valid
  std::size_t size = 0;  ///< bytes of the character, or of the maximal subpart of an ill-formed one; at least 1
  bool valid = false;
  bool truncated = false;  ///< not valid only because the text ends inside what could become a character
};

/// Decodes the character at `position` (< text.size()). Ill-formed bytes are measured as the Unicode standard's "maximal
/// subparts" (table 3-7), which is what Python's errors="replace" and the WHATWG decoder replace by one U+FFFD each.
[[nodiscard]] Utf8Char decode_utf8(std::string_view text, std::size_t position);

/// Appends the UTF-8 form of a code point (surrogates and values past U+10FFFF become U+FFFD).
void append_utf8(std::string& out, char32_t code);

/// True when every byte is part of a well-formed character.
[[nodiscard]] bool is_valid_utf8(std::string_view text);

}  // namespace ifm
