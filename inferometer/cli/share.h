#pragma once

#include <string>
#include <string_view>

namespace ifm {

/// "1%", "1 %" or "0.01" as 0.01. @throws Error usage naming `option` for anything that is no share between 0 and 1.
[[nodiscard]] double parse_share(const std::string& text, std::string_view option);

}  // namespace ifm
