#pragma once

#include <functional>
#include <string>
#include <vector>

namespace ifm {

/// What every verb shares. A verb's callback sets `action`; main runs it inside the one place that turns Error into an exit code.
struct CliContext {
  std::vector<std::string> arguments;  ///< as typed, program name first
  std::function<int()> action;         ///< returns the exit code
};

/// argv joined and quoted for a shell, to be recorded and repeated.
[[nodiscard]] std::string command_line(const CliContext& context);

}  // namespace ifm
