#pragma once

#include <string>

#include "inferometer/cli/verb_help.h"

namespace ifm {

enum class Shell { bash, zsh, fish };

/// A script that completes the program's verbs, options and their choices in a shell, and files elsewhere. Made from its help.
[[nodiscard]] std::string completion_script(const VerbHelp& program, Shell shell);

}  // namespace ifm
