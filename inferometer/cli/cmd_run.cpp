#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include <fmt/format.h>

#include "inferometer/base/clock.h"
#include "inferometer/cli/app.h"
#include "inferometer/cli/commands.h"
#include "inferometer/cli/dry_run.h"
#include "inferometer/cli/plan_session.h"
#include "inferometer/cli/terminal.h"
#include "inferometer/record/export_json.h"

namespace ifm {
namespace {

namespace fs = std::filesystem;

struct RunFlags {
  std::string plan;
  std::string out = "results";
  bool resume = false;
  bool dry_run = false;
};

void say_what_next(const SessionOutcome& outcome, const RunFlags& flags, const fs::path& exported,
                   const std::string& last_error) {
  const std::string out = flags.out == "results" ? "" : fmt::format(" --out {}", flags.out);
  fmt::print("session {}: {} runs ok, {} failed\n", outcome.session, outcome.runs_ok, outcome.runs_failed);
  if (!last_error.empty()) fmt::print("last failure: {}\n", printable(last_error));
  fmt::print("results: {}\nraw data: {}\n", (fs::path(flags.out) / "inferometer.db").string(), exported.string());
  if (outcome.interrupted) {
    fmt::print("interrupted; go on with: inferometer run {}{} --resume\n", flags.plan, out);
  } else if (outcome.runs_ok > 0) {
    fmt::print("next: inferometer analyze{0} && inferometer summary{0}\n", out);
  }
}

int run_plan(const RunFlags& flags, const std::string& command) {
  const Plan plan = read_plan(flags.plan);
  if (flags.dry_run) {
    SteadyClock clock;
    print_dry_run(plan, plan_models(), plan_engines(plan, flags.out, clock));
    return exit_done;
  }
  const EndedSession ended =
      run_plan_into(flags.out, plan, {.start = flags.resume ? SessionStart::resume : SessionStart::fresh, .command = command});
  const SessionOutcome& outcome = ended.outcome;
  const fs::path exported = fs::path(flags.out) / "raw_results" / fmt::format("benchmark_{}.json", outcome.session);
  write_json_file(exported, session_to_json(ended.session, ended.runs, ended.blocks));
  say_what_next(outcome, flags, exported, ended.last_error);
  if (outcome.interrupted) return exit_interrupted;
  return outcome.runs_ok > 0 ? exit_done : exit_failed;
}

}  // namespace

void add_run(CLI::App& app, CliContext& context) {
  CLI::App* verb = add_verb(app, "run", "Run a plan: every run is measured, checked and committed before the next begins",
                            "  inferometer run plans/edge-study.yaml\n  inferometer run plans/edge-study.yaml --dry-run");
  auto flags = std::make_shared<RunFlags>();  // shared with the callback, which outlives this function
  verb->add_option("plan", flags->plan, "The plan, a YAML file")->required()->type_name("PLAN.yaml");
  verb->add_option("--out", flags->out, "Folder for the results")->capture_default_str();
  verb->add_flag("--resume", flags->resume, "Go on with the latest session, which was interrupted");
  verb->add_flag("--dry-run", flags->dry_run, "Print the cells and the time that they are expected to take; run nothing");
  verb->callback([flags, &context] {
    const std::string command = command_line(context);
    context.action = [flags, command] { return run_plan(*flags, command); };
  });
}

}  // namespace ifm
