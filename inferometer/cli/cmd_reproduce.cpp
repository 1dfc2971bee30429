#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "inferometer/analysis/reproduction.h"
#include "inferometer/base/clock.h"
#include "inferometer/base/error.h"
#include "inferometer/cli/app.h"
#include "inferometer/cli/commands.h"
#include "inferometer/cli/plan_session.h"
#include "inferometer/cli/print_document.h"
#include "inferometer/cli/results.h"
#include "inferometer/cli/share.h"
#include "inferometer/measure/loaded_pair.h"
#include "inferometer/report/reproduction.h"

namespace ifm {
namespace {

namespace fs = std::filesystem;

struct ReproduceFlags {
  std::string results;
  std::optional<int64_t> session;
  std::string out = "results-again";
  std::string ran;  ///< a folder in which the plan was run again already
  std::string tolerance;
  std::string format = "text";
  bool trust = false;  ///< the record's plan may start programs and ask servers
};

RecordedSession recorded(const fs::path& folder, std::optional<int64_t> session) {
  StoredSession stored = read_session_to_compare(folder, session);
  std::vector<BlockRecord> blocks = open_results(folder).blocks(stored.session.id);
  return {std::move(stored.session), std::move(stored.runs), std::move(blocks)};
}

/// What of the world an engine of a plan would reach for: a program that it starts, a server that gets a key; "" for none.
std::string reached_by(const PlanEngine& engine) {
  if (!engine.program.empty()) return "starts " + engine.program;
  if (!engine.server.command.empty()) return fmt::format("starts {}", fmt::join(engine.server.command, " "));
  if (!engine.server.url.empty()) return "asks " + engine.server.url;
  return engine.server.socket.empty() ? "" : "asks " + engine.server.socket;
}

/// @throws Error usage for a session that no plan can be run from, or that somebody should have looked at before it is.
void check_can_be_run(const Session& session, bool trusted) {
  if (session.plan.pairs > 0) {
    fail(ErrorKind::usage, "session {} holds pairs of processes (expected one of inferometer run); repeat it with: {}",
         session.id, session.command);
  }
  if (session.plan.source.empty()) {
    fail(ErrorKind::usage, "session {} was imported: what made its numbers is not known here (expected one of inferometer run)",
         session.id);
  }
  for (const PlanEngine& engine : session.plan.engines) {
    const std::string reached = reached_by(engine);
    if (!reached.empty() && !trusted)
      fail(ErrorKind::usage, "session {}: its plan's engine {} {} (expected --trust, once you know whose record this is)",
           session.id, engine.id, reached);
  }
}

/// The weights that a plan would load here, as a session has them. Empty where looking at them would warm the page cache for
/// a run that is to be cold.
std::vector<SessionModel> weights_here(const Session& session) {
  const Plan& plan = session.plan;
  const bool cold = std::ranges::find(plan.modes, Mode::cold) != plan.modes.end();
  if (cold && plan.page_cache == PageCache::as_is) return {};
  SteadyClock clock;
  const ModelPaths paths = find_models(plan, plan_engines(plan, {}, clock), plan_models());
  std::map<std::string, std::string> hashes;
  std::vector<SessionModel> here;
  for (const auto& [of, path] : paths) {
    if (path.empty()) continue;
    if (!hashes.contains(path)) hashes[path] = hash_of_weights(path);
    here.push_back({.engine = plan.engines[static_cast<std::size_t>(of.first)].id,
                    .model = plan.models[static_cast<std::size_t>(of.second)],
                    .path = path,
                    .hash = hashes[path]});
  }
  return here;
}

void print_found(const Reproduction& found, const Session& then, const Session& now, const std::string& format) {
  if (format == "json") {
    fmt::print("{}", reproduction_json(found, then, now));
  } else {
    print_document(reproduction_document(found, then, now), format);
  }
}

int exit_code_of(const Reproduction& found) {
  if (!found.impossible.empty()) return exit_incomparable;
  return found.verdict == Held::yes ? exit_done : found.verdict == Held::no ? exit_regression : exit_inconclusive;
}

int reproduce(const ReproduceFlags& flags, const std::string& command) {
  std::optional<double> tolerance;
  if (!flags.tolerance.empty()) tolerance = parse_share(flags.tolerance, "--tolerance");
  const RecordedSession then = recorded(flags.results, flags.session);
  if (flags.ran.empty()) {
    check_can_be_run(then.session, flags.trust);
    if (fs::exists(flags.out) && fs::exists(flags.results) && fs::equivalent(flags.out, flags.results))
      fail(ErrorKind::usage, "--out: {} is the record itself (expected a folder of its own)", flags.out);
    Reproduction unlike;
    unlike.impossible = other_weights(then.session.models, weights_here(then.session));
    if (!unlike.impossible.empty()) {
      print_found(unlike, then.session, Session{}, flags.format);
      return exit_incomparable;
    }
    const EndedSession ended = run_plan_into(flags.out, then.session.plan, {.start = SessionStart::fresh, .command = command});
    if (ended.outcome.interrupted) {
      fmt::print(stderr, "interrupted: {} runs are kept in {}, nothing was compared\n",
                 ended.outcome.runs_ok + ended.outcome.runs_failed, flags.out);
      return exit_interrupted;
    }
  }
  const RecordedSession now = recorded(flags.ran.empty() ? flags.out : flags.ran, std::nullopt);
  const Reproduction found = check_reproduction(then, now, tolerance);
  print_found(found, then.session, now.session, flags.format);
  return exit_code_of(found);
}

}  // namespace

void add_reproduce(CLI::App& app, CliContext& context) {
  CLI::App* verb = add_verb(app, "reproduce", "Run a session's plan again, here, and say which of its findings hold",
                            "  inferometer reproduce results\n"
                            "  inferometer reproduce results --ran results-of-a-colleague\n\n"
                            "The weights must be the same ones, by their hash. On the same machine times must be the same but "
                            "for 2 %\nand what chance and the machine's own speed explain; on another one the shares of its "
                            "limits and the shape over\nlengths must. Tokens must be the same wherever the arithmetic is. Exit "
                            "codes: 0 reproduced, 3 a finding did not\nhold, 4 incomparable (other weights, another plan), 5 "
                            "undecided.");
  auto flags = std::make_shared<ReproduceFlags>();  // shared with the callback, which outlives this function
  verb->add_option("results", flags->results, "The results folder of the record")->required()->type_name("RESULTS");
  verb->add_option("--session", flags->session, "Its session (default: the latest)");
  verb->add_option("--out", flags->out, "Folder for the runs")->capture_default_str();
  verb->add_option("--ran", flags->ran, "Run nothing: compare with the latest session of this results folder")
      ->type_name("FOLDER");
  verb->add_option("--tolerance", flags->tolerance,
                   "What times and the shape over lengths may differ by on the same machine (default: 2%, the shape 5%)");
  verb->add_flag("--trust", flags->trust, "The record's plan may start its programs and send to its servers");
  verb->add_option("-o,--format", flags->format, "Format of the report")
      ->check(CLI::IsMember({"text", "json", "md"}))
      ->capture_default_str();
  verb->callback([flags, &context] {
    const std::string command = command_line(context);
    context.action = [flags, command] { return reproduce(*flags, command); };
  });
}

}  // namespace ifm
