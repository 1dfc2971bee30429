#pragma once

#include <string>
#include <type_traits>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "inferometer/base/error.h"
#include "inferometer/cli/context.h"

namespace ifm {

/// Exit codes that scripts rely on (docs/method.md).
enum ExitCode : int {
  exit_done = 0,
  exit_failed = 1,
  exit_usage = 2,
  exit_regression = 3,
  exit_incomparable = 4,
  exit_inconclusive = 5,
  exit_bug = 70,
  exit_interrupted = 130,
};

/// The exit code that an error of this kind ends the program with.
[[nodiscard]] int exit_code(ErrorKind kind);

/// Runs the program: parses `argc`/`argv`, does what the verb asks and returns the exit code. The one place of the command line
/// that turns Error into a line on standard error.
[[nodiscard]] int run_program(int argc, const char* const* argv);

/// A verb of the program: description as one sentence, and an example that its help ends with.
CLI::App* add_verb(CLI::App& app, const std::string& name, const std::string& description, const std::string& example);

/// A check of an option's value: a number from `smallest` to `largest`.
template <typename Number>
[[nodiscard]] CLI::Validator number_between(Number smallest, Number largest) {
  return CLI::Validator(
      [smallest, largest](std::string& text) {
        Number value{};
        const bool wraps = std::is_unsigned_v<Number> && text.starts_with('-');
        if (!wraps && CLI::detail::lexical_cast(text, value) && value >= smallest && value <= largest) return std::string();
        return fmt::format("expected {} from {} to {}, got {}", std::is_integral_v<Number> ? "a whole number" : "a number",
                           smallest, largest, text);
      },
      fmt::format("{}..{}", smallest, largest));
}

/// What `inferometer` without a verb says: the models it finds and the one command to try next.
int show_overview();

}  // namespace ifm
