#include "inferometer/cli/app.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <filesystem>
#include <functional>
#include <new>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "inferometer/base/version.h"
#include "inferometer/cli/commands.h"
#include "inferometer/cli/terminal.h"
#include "inferometer/cli/verb_help.h"
#include "inferometer/kernel/kernels.h"

namespace ifm {
namespace {

/// One line: whatever a library puts into its message, a log line stays a log line.
std::string one_line(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c != '\n' && c != '\r') {
      out += c;
    } else if (!out.empty() && out.back() != ' ') {
      out += ' ';
    }
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return printable(out);
}

void complain(std::string_view message) {
  std::fflush(stdout);
  fmt::print(stderr, "inferometer: {}\n", one_line(message));
}

/// The full name of the verb that was asked for, "models pull", or "" when there was none.
std::string asked_verb(const CLI::App& app) {
  for (const CLI::App* sub : app.get_subcommands()) {
    const std::string deeper = asked_verb(*sub);
    return deeper.empty() ? sub->get_name() : sub->get_name() + " " + deeper;
  }
  return {};
}

int usage_error(const CLI::App& app, std::string_view message) {
  const std::string verb = asked_verb(app);
  const std::string prefix = verb.empty() ? "" : verb + ": ";
  complain(fmt::format("{}{}; see inferometer {}{}--help", prefix, message, verb, verb.empty() ? "" : " "));
  return exit_usage;
}

std::string describe(const CLI::ParseError& error, const CLI::App& app) {
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) {
    const std::string word = app.remaining(true).empty() ? std::string("?") : app.remaining(true).front();
    if (asked_verb(app).empty() && !word.starts_with("-")) {
      std::vector<std::string> verbs;
      for (const VerbHelp& verb : verb_help(app).verbs) verbs.push_back(verb.path.back());
      return fmt::format("{}: no such verb (expected one of {})", word, fmt::join(verbs, ", "));
    }
    return fmt::format("{}: not expected here", word);
  }
  return error.what();
}

/// Whether the process behind the pipe of our standard output is gone; asked after a write failed, when errno is long lost.
bool reader_went_away() {
  pollfd output{STDOUT_FILENO, POLLOUT, 0};
  return poll(&output, 1, 0) == 1 && (output.revents & (POLLERR | POLLHUP)) != 0;
}

/// Text that is still buffered reaches standard output, or the program fails; a reader that went away is no failure.
int flush_output(int code) {
  errno = 0;
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return code;
  if (errno == EPIPE || reader_went_away()) return code;
  fmt::print(stderr, "inferometer: standard output: cannot be written ({})\n",
             errno != 0 ? std::strerror(errno) : "an earlier write failed");
  return code == exit_done ? exit_failed : code;
}

std::string version_text() {
  const Version& build = build_version();
  const std::string note = plain_code_note();
  return fmt::format("inferometer {}\ncommit      {}\ncompiler    {}\nISA         {} (this build and processor have: {}){}{}",
                     build.version, build.commit, build.compiler, available_isas().front(), fmt::join(available_isas(), ", "),
                     note.empty() ? "" : "\nnote        ", note);
}

int run_action(const std::function<int()>& action) {
  try {
    return action();
  } catch (const Error& error) {
    complain(error.message());
    return exit_code(error.kind());
  } catch (const std::filesystem::filesystem_error& error) {
    complain(fmt::format("{}: {}", error.path1().string(), error.code().message()));
    return exit_failed;
  } catch (const std::system_error& error) {
    if (std::ferror(stdout) != 0) return exit_done;  // fmt::print throws when standard output takes no more: flush_output judges
    complain(fmt::format("the operating system: {}", error.what()));
    return exit_failed;
  } catch (const std::bad_alloc&) {
    complain("memory: not enough of it for this (see inferometer doctor)");
    return exit_failed;
  } catch (const std::exception& error) {
    complain(fmt::format("a bug in Inferometer: {} (please report it with the command line)", error.what()));
    return exit_bug;
  }
}

void add_all_verbs(CLI::App& app, CliContext& context) {
  add_generate(app, context);
  add_chat(app, context);
  add_tokenize(app, context);
  add_bench(app, context);
  add_run(app, context);
  add_analyze(app, context);
  add_summary(app, context);
  add_report(app, context);
  add_sessions(app, context);
  add_import(app, context);
  add_compare(app, context);
  add_reproduce(app, context);
  add_verify(app, context);
  add_models(app, context);
  add_engines(app, context);
  add_doctor(app, context);
  add_calibrate(app, context);
  add_completions(app, context);
  add_man(app, context);
  add_worker(app, context);
}

}  // namespace

int exit_code(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::usage:
      return exit_usage;
    case ErrorKind::incomparable:
      return exit_incomparable;
    case ErrorKind::inconclusive:
      return exit_inconclusive;
    case ErrorKind::interrupted:
      return exit_interrupted;
    default:
      return exit_failed;
  }
}

CLI::App* add_verb(CLI::App& app, const std::string& name, const std::string& description, const std::string& example) {
  CLI::App* verb = app.add_subcommand(name, description);
  verb->footer("Example:\n" + example);
  return verb;
}

int run_program(int argc, const char* const* argv) {
  // A reader that closes our output (`| head`) is seen as a failed write, not as a death in the middle of a transaction.
  std::signal(SIGPIPE, SIG_IGN);
  CliContext context;
  context.arguments.assign(argv, argv + argc);
  CLI::App app("Runs language models on this machine, and measures - so that you can trust it - how fast.", "inferometer");
  app.require_subcommand(0, 1);
  app.footer(
      "Example:\n  inferometer models pull smollm2-135m\n  inferometer generate -m smollm2-135m -p \"Why is the sky blue?\"");
  app.get_formatter()->column_width(34);
  app.set_version_flag("--version", version_text, "Version, commit, compiler and instruction set");
  try {
    add_all_verbs(app, context);
    app.parse(argc, argv);
  } catch (const CLI::CallForVersion& version) {
    fmt::print("{}\n", version.what());
    return flush_output(exit_done);
  } catch (const CLI::CallForHelp&) {
    fmt::print("{}", app.help());
    return flush_output(exit_done);
  } catch (const CLI::ParseError& error) {
    return usage_error(app, describe(error, app));
  } catch (const Error& error) {
    return usage_error(app, error.message());
  }
  return flush_output(run_action(context.action ? context.action : show_overview));
}

}  // namespace ifm
