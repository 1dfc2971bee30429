#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include <fmt/format.h>

#include "inferometer/cli/app.h"
#include "inferometer/cli/commands.h"
#include "inferometer/cli/results.h"
#include "inferometer/cli/terminal.h"
#include "inferometer/report/summary.h"
#include "inferometer/report/summary_json.h"

namespace ifm {
namespace {

struct SummaryFlags {
  std::string out = "results";
  std::optional<int64_t> session;
  bool json = false;
};

int summarize(const SummaryFlags& flags) {
  const Study study = read_study(flags.out, flags.session);
  if (flags.json) {
    fmt::print("{}", summary_json(study));
  } else {
    fmt::print("{}", summary_text(study, {.width = 100, .colour = use_colour(stdout)}));
  }
  return exit_done;
}

}  // namespace

void add_summary(CLI::App& app, CliContext& context) {
  CLI::App* verb = add_verb(app, "summary", "What a session found: tables, tested conclusions, and how far to trust them",
                            "  inferometer summary\n  inferometer summary --session 2 --json");
  auto flags = std::make_shared<SummaryFlags>();  // shared with the callback, which outlives this function
  verb->add_option("--out", flags->out, "Results folder")->capture_default_str();
  verb->add_option("--session", flags->session, "Session (default: the latest)");
  verb->add_flag("--json", flags->json, "Print JSON (schemas/summary.schema.json)");
  verb->callback([flags, &context] { context.action = [flags] { return summarize(*flags); }; });
}

}  // namespace ifm
