#pragma once

#include <span>

#include "inferometer/text/unicode_class.h"

namespace ifm {

/// All letters, numbers and spaces, sorted. Generated: tools/goldens/text/make_unicode_table.py.
[[nodiscard]] std::span<const UnicodeRange> unicode_ranges();

}  // namespace ifm
