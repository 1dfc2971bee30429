#pragma once

#include <string>
#include <string_view>

namespace ifm {

/// Text from a file as it may stand in a one-line message: in double quotes, other bytes than printable ASCII as \xNN, cut after
/// 80 bytes.
[[nodiscard]] std::string quote(std::string_view text);

}  // namespace ifm
