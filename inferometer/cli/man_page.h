#pragma once

#include <string>

#include "inferometer/cli/verb_help.h"

namespace ifm {

/// inferometer(1) as roff, made from the program's help. Source of its macros: man-pages(7).
[[nodiscard]] std::string man_page(const VerbHelp& program, const std::string& version);

}  // namespace ifm
