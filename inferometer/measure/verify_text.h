#pragma once

#include <string_view>

namespace ifm {

/// 44 kB of English prose, public documents and code, some 11,000 tokens; tests/golden/parity/README.md says where it is from.
[[nodiscard]] std::string_view verify_text();

}  // namespace ifm
