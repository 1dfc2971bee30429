#pragma once

#include <cstddef>
#include <string_view>

namespace ifm {

/// Whether a text is a digest or a commit as it is written: exactly so many hexadecimal digits, in lower case.
[[nodiscard]] inline bool is_hexadecimal(std::string_view text, std::size_t digits) {
  return text.size() == digits && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace ifm
