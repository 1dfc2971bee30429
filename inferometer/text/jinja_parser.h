#pragma once

#include <string_view>

#include "inferometer/text/jinja_ast.h"

namespace ifm::jinja {

/// Parses a template. @throws Error invalid_data (syntax, with its line), unsupported naming the construct and its line:
/// statements, filters and tests that we do not have are found here, before anything runs.
[[nodiscard]] Body parse(std::string_view source);

}  // namespace ifm::jinja
