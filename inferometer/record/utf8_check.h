#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace ifm {

/// Offset of the first byte that is not part of valid UTF-8 (overlong forms and surrogates are invalid); null = all valid.
[[nodiscard]] std::optional<std::size_t> first_invalid_utf8(std::string_view text);

/// Text from outside as it may stand in a one-line message: quoted, control characters replaced, long text cut.
[[nodiscard]] std::string shown(std::string_view text);

}  // namespace ifm
