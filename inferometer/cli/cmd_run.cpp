#include <algorithm>
#include <cctype>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>

#include <fmt/format.h>

#include "inferometer/base/clock.h"
#include "inferometer/base/error.h"
#include "inferometer/cli/app.h"
#include "inferometer/cli/commands.h"
#include "inferometer/cli/dry_run.h"
#include "inferometer/cli/interrupt.h"
#include "inferometer/cli/results.h"
#include "inferometer/cli/run_progress.h"
#include "inferometer/cli/terminal.h"
#include "inferometer/engine/registry.h"
#include "inferometer/hub/resolve.h"
#include "inferometer/measure/engine_options.h"
#include "inferometer/measure/runner.h"
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

/// @throws Error usage when results would be written into a model's own folder (FAULTS 61).
void check_outside_models(const fs::path& out, const ModelPaths& models) {
  const fs::path place = fs::weakly_canonical(fs::absolute(out));
  for (const auto& [of, path] : models) {
    if (path.empty()) continue;
    const fs::path inside = fs::weakly_canonical(fs::absolute(path));
    const auto ends = std::mismatch(inside.begin(), inside.end(), place.begin(), place.end());
    if (ends.first == inside.end()) {
      fail(ErrorKind::usage, "--out: {} lies inside the model {} (expected a folder of its own)", out.string(), path.string());
    }
  }
}

/// Where a managed server's output is kept. An engine's name is free text.
fs::path log_of(const fs::path& out, std::string engine) {
  std::ranges::replace_if(
      engine, [](unsigned char c) { return std::isalnum(c) == 0 && c != '-'; }, '_');
  return out / "servers" / (engine + ".log");
}

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
  const ModelResolver resolve = [](const std::string& model) { return resolve_model(model, HubOptions{}).path; };
  SteadyClock clock;
  const EngineFactory factory = [&](const PlanEngine& engine, Mode mode) {
    EngineOptions options = engine_options_of(engine, mode, plan.timeouts);
    options.server.log = log_of(flags.out, engine.id);
    return make_engine(options, clock);
  };
  if (flags.dry_run) {
    print_dry_run(plan, resolve, factory);
    return exit_done;
  }
  check_outside_models(flags.out, find_models(plan, factory, resolve));
  check_engines(plan, factory);
  make_writable_folder(flags.out);
  Store store(fs::path(flags.out) / "inferometer.db", Store::Access::write);
  const auto probe = make_machine_probe();
  RunProgress progress;
  const InterruptGuard guard;
  const SessionOutcome outcome =
      run_session(plan, {.start = flags.resume ? SessionStart::resume : SessionStart::fresh, .command = command},
                  {factory, resolve, clock, store, *probe, progress, guard.token()});
  progress.finish();
  const fs::path exported = fs::path(flags.out) / "raw_results" / fmt::format("benchmark_{}.json", outcome.session);
  write_json_file(exported,
                  session_to_json(store.session(outcome.session), store.runs(outcome.session), store.blocks(outcome.session)));
  say_what_next(outcome, flags, exported, progress.last_error());
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
