#include <memory>
#include <string>

#include <fmt/format.h>

#include "inferometer/base/version.h"
#include "inferometer/cli/app.h"
#include "inferometer/cli/commands.h"
#include "inferometer/cli/completions.h"
#include "inferometer/cli/man_page.h"

namespace ifm {

void add_completions(CLI::App& app, CliContext& context) {
  CLI::App* verb = add_verb(app, "completions", "Print a script that completes verbs and options in a shell",
                            "  inferometer completions bash > ~/.local/share/bash-completion/completions/inferometer\n"
                            "  inferometer completions zsh > \"${fpath[1]}/_inferometer\"\n"
                            "  inferometer completions fish > ~/.config/fish/completions/inferometer.fish");
  auto shell = std::make_shared<std::string>();  // shared with the callback, which outlives this function
  verb->add_option("shell", *shell, "bash, zsh or fish")->required()->check(CLI::IsMember({"bash", "zsh", "fish"}));
  verb->callback([shell, &app, &context] {
    context.action = [shell, &app] {
      const Shell which = *shell == "bash" ? Shell::bash : *shell == "zsh" ? Shell::zsh : Shell::fish;
      fmt::print("{}", completion_script(verb_help(app), which));
      return exit_done;
    };
  });
}

void add_man(CLI::App& app, CliContext& context) {
  CLI::App* verb = add_verb(app, "man", "Print the manual page", "  inferometer man | man -l -");
  verb->callback([&app, &context] {
    context.action = [&app] {
      fmt::print("{}", man_page(verb_help(app), std::string(build_version().version)));
      return exit_done;
    };
  });
}

}  // namespace ifm
