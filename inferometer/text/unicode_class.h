#pragma once

#include <cstdint>

namespace ifm {

/// What the pre-tokenizers ask of a character.
enum class UnicodeClass : uint8_t {
  other,
  letter,      ///< \p{L}
  number,      ///< \p{N}
  space,       ///< \s: the property White_Space
  late_digit,  ///< a number of Unicode 17 that the reference's regex (Unicode 16) does not know but its digit splitter does
};

/// The class that Hugging Face `tokenizers` gives a code point; the table is made from it (unicode_table.cpp).
[[nodiscard]] UnicodeClass unicode_class(char32_t code);

/// A run of code points of one class; the table is sorted and leaves `other` out.
struct UnicodeRange {
  uint32_t first;
  uint32_t last;
  UnicodeClass kind;
};

}  // namespace ifm
