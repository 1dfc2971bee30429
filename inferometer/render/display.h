#pragma once

#include <cstdint>
#include <string_view>

namespace ifm {

/// One character of a text: its code point and bytes; `valid` is false for a byte that is not UTF-8 (length 1).
struct DisplayChar {
  uint32_t code = 0;
  size_t length = 1;
  bool valid = false;
};

/// The character at the front of a non-empty text; overlong forms and surrogates are not valid.
[[nodiscard]] DisplayChar first_display_char(std::string_view text);

/// Columns that a text takes on a terminal: combining marks and joiners 0, East Asian wide and emoji 2, others 1.
[[nodiscard]] int display_width(std::string_view text);

}  // namespace ifm
