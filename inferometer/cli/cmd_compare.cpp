#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "inferometer/analysis/comparison.h"
#include "inferometer/analysis/stored_comparison.h"
#include "inferometer/base/error.h"
#include "inferometer/base/sha256.h"
#include "inferometer/base/this_program.h"
#include "inferometer/cli/app.h"
#include "inferometer/cli/commands.h"
#include "inferometer/cli/drawing.h"
#include "inferometer/cli/output_file.h"
#include "inferometer/cli/pinned.h"
#include "inferometer/cli/plan_session.h"
#include "inferometer/cli/print_document.h"
#include "inferometer/cli/results.h"
#include "inferometer/cli/share.h"
#include "inferometer/cli/terminal.h"
#include "inferometer/engine/registry.h"
#include "inferometer/figure/figures.h"
#include "inferometer/measure/engine_options.h"
#include "inferometer/record/plan_engines.h"
#include "inferometer/report/comparison.h"

namespace ifm {
namespace {

constexpr int kMaxPairs = 10'000;
constexpr int kPairsPerExtra = 4;

struct CompareFlags {
  std::vector<std::string> words;  ///< PLAN, A B PLAN, RESULTS, RESULTS RESULTS
  std::string program_a, program_b;
  std::string against;         ///< "pinned"
  bool pin = false;            ///< keep B as the baseline of --against pinned
  std::string side_a, side_b;  ///< engines of stored sessions
  std::optional<int64_t> session_a, session_b;
  int pairs = 20;
  std::optional<int> extra_pairs;  ///< null: a quarter of the pairs
  std::string min_effect;
  std::vector<std::string> metrics{"latency"};
  std::string out = "results-compare";
  std::string format = "text";
  std::string figure;  ///< a file that the effects are drawn into
  bool allow_inconclusive = false;
  bool preflight = false;
};

/// A side of the comparison. @throws Error usage where it cannot be a fresh process, or not one of this program.
PlanEngine side_of(const PlanEngine& engine, const std::string& id, const std::string& program) {
  if (!engine.server.url.empty() && engine.server.command.empty()) {
    fail(ErrorKind::usage,
         "compare: a server that runs already is no fresh process (expected openai: {{command: …}}, which starts one)");
  }
  if (!program.empty() && !lives_in_this_process(engine_options_of(engine, Mode::warm, {})))
    fail(ErrorKind::usage, "--bin-a, --bin-b: {} is not computed by a program of ours", engine.id);
  PlanEngine side = engine;
  side.id = id;
  if (!program.empty()) side.program = program;
  return side;
}

/// The plan with the two sides as its engines.
Plan comparison_plan(const CompareFlags& flags) {
  const std::string program_a = flags.against.empty() ? flags.program_a : pinned_program().program.string();
  Plan plan = read_plan(flags.words.back());
  if (plan.models.size() != 1)
    fail(ErrorKind::usage, "compare: {} names {} models (expected one; a side may have its own: {{embedded: {{model: …}}}})",
         flags.words.back(), plan.models.size());
  std::vector<PlanEngine> engines{plan.engines.front(), plan.engines.front()};
  std::string sides = program_a + "\n" + flags.program_b;
  if (flags.words.size() == 3) {
    for (std::size_t i = 0; i < 2; ++i) {
      engines[i] = parse_engine(flags.words[i], i == 0 ? "A" : "B");
      sides += "\n" + flags.words[i];
    }
  }
  if (flags.preflight) engines[1] = engines[0];
  plan.engines = {side_of(engines[0], "A", program_a), side_of(engines[1], "B", flags.preflight ? program_a : flags.program_b)};
  plan.modes = {Mode::warm};
  plan.pairs = flags.pairs;
  plan.extra_pairs = flags.extra_pairs.value_or(flags.pairs / kPairsPerExtra);
  // Pairs end when they were planned to; of a plan that would stop early, a process does as many runs as one without.
  if (plan.stop) plan.repeats = Plan{}.repeats;
  plan.stop.reset();
  if (!flags.min_effect.empty()) plan.equivalence_margin = parse_share(flags.min_effect, "--min-effect");
  plan.hash = sha256_of(fmt::format("{}\n{}\n{}\n{}", plan.hash, sides, plan.pairs, plan.extra_pairs));
  return plan;
}

/// Draws the effects, as the file's name says.
void draw_effects(const ComparisonReport& report, const std::filesystem::path& file) {
  const Figure figure = forest_figure(report);
  if (figure.body.empty()) fail(ErrorKind::not_found, "--figure: no cell to draw (both sides need runs of one)");
  if (file.extension() == ".svg") {
    write_whole(file, draw_svg(figure));
  } else {
    draw_png(figure, file);
  }
}

void print_report(const ComparisonReport& report, const CompareFlags& flags) {
  if (flags.format == "json") {
    fmt::print("{}", comparison_json(report));
  } else if (flags.format == "junit") {
    fmt::print("{}", comparison_junit(report, flags.allow_inconclusive));
  } else {
    print_document(comparison_document(report), flags.format);
  }
  std::fflush(stdout);
  if (!flags.figure.empty()) draw_effects(report, flags.figure);
}

bool is_drawing(const std::string& file) { return file.ends_with(".png") || file.ends_with(".svg"); }

int exit_code_of(const ComparisonReport& report, bool allow_inconclusive) {
  if (!report.incomparable.empty()) return exit_incomparable;
  switch (report.verdict) {
    case stats::Verdict::regression:
    case stats::Verdict::mixed:
      return exit_regression;
    case stats::Verdict::inconclusive:
      return allow_inconclusive ? exit_done : exit_inconclusive;
    default:
      return exit_done;
  }
}

int pin(const CompareFlags& flags) {
  if (!flags.words.empty()) fail(ErrorKind::usage, "--pin: pins a program and compares nothing (expected no PLAN beside it)");
  const PinnedProgram pinned = pin_program(flags.program_b.empty() ? this_program() : std::filesystem::path(flags.program_b));
  fmt::print("pinned {} as {}\n", pinned.version, pinned.program.string());
  return exit_done;
}

/// Results that are there already.
int compare_results(const CompareFlags& flags) {
  const StoredSession a = read_session_to_compare(flags.words[0], flags.session_a);
  const StoredSession b =
      flags.words.size() == 2 || flags.session_b ? read_session_to_compare(flags.words.back(), flags.session_b) : a;
  const bool one = flags.words.size() == 1 && !flags.session_b;
  ComparisonReport report;
  if (one && holds_pairs(a.session)) {
    report = compare_sides(a.session, a.runs, flags.metrics);
  } else {
    const bool two_engines = one && a.session.plan.engines.size() == 2 && flags.side_a.empty() && flags.side_b.empty();
    const std::string first = two_engines ? a.session.plan.engines[0].id : flags.side_a;
    const std::string second = two_engines ? a.session.plan.engines[1].id : flags.side_b;
    report = compare_stored({a.session, a.runs, stored_engine(a.session, first)},
                            {b.session, b.runs, stored_engine(b.session, second)}, flags.metrics);
  }
  print_report(report, flags);
  return exit_code_of(report, flags.allow_inconclusive);
}

int compare(const CompareFlags& flags, const std::string& command) {
  if (flags.pin) return pin(flags);
  if (!flags.figure.empty()) check_gnuplot();  // now, not after an hour of pairs
  if (!flags.words.empty() && flags.words.size() <= 2 && std::ranges::all_of(flags.words, holds_results))
    return compare_results(flags);
  if (flags.words.size() != 1 && flags.words.size() != 3) {
    fail(ErrorKind::usage, "compare: expected PLAN, A B PLAN, or one or two folders of results, got {} words",
         flags.words.size());
  }
  if (!flags.against.empty() && !flags.program_a.empty())
    fail(ErrorKind::usage, "--against pinned: A is the pinned program (expected no --bin-a beside it)");
  const Plan plan = comparison_plan(flags);
  const EndedSession ended = run_plan_into(flags.out, plan, {.start = SessionStart::fresh, .command = command});
  const ComparisonReport report = compare_sides(ended.session, ended.runs, flags.metrics);
  if (!ended.last_error.empty()) {
    fmt::print(stderr, "inferometer: {} of the runs failed, the last one: {}\n", ended.outcome.runs_failed,
               printable(ended.last_error));
  }
  if (ended.outcome.interrupted) {
    fmt::print(stderr, "inferometer: interrupted after {} pairs\n", report.pairs);
    return exit_interrupted;
  }
  if (flags.preflight) {
    const std::string& metric = flags.metrics.front();
    print_document(preflight_document(report, {.detectable = simulated_detectable(ended.session, ended.runs, metric),
                                               .false_alarm_percent = false_alarm_percent(ended.session, ended.runs, metric)}),
                   flags.format);
    return ended.outcome.runs_ok > 0 ? exit_done : exit_failed;
  }
  print_report(report, flags);
  return exit_code_of(report, flags.allow_inconclusive);
}

}  // namespace

void add_compare(CLI::App& app, CliContext& context) {
  CLI::App* verb = add_verb(
      app, "compare", "Whether B is slower than A: two builds, engines, models or settings, in adjacent pairs of fresh processes",
      "  inferometer compare --bin-a old/bin/inferometer --bin-b build/release/bin/inferometer plans/gate.yaml\n"
      "  inferometer compare embedded \"{embedded: {threads: 1}}\" plans/gate.yaml --metric tpot\n"
      "  inferometer compare plans/gate.yaml --preflight\n"
      "  inferometer compare --pin && inferometer compare --against pinned plans/gate.yaml\n"
      "  inferometer compare results-monday results-friday\n\n"
      "A and B are engines as a plan writes them (default: the plan's first, for both). In each pair a process of A and\n"
      "one of B take turns, in balanced order; a turn is every cell of the plan, the plan's repeats are the turns. Folders of "
      "results are compared as they are stored: effects,\n"
      "and a verdict only where they hold such pairs. Exit codes: 0 equivalent or faster, 3 regression (or mixed), 4\n"
      "incomparable, 5 inconclusive.");
  auto flags = std::make_shared<CompareFlags>();  // shared with the callback, which outlives this function
  verb->add_option("plan", flags->words, "[A B] PLAN.yaml, or folders of results")->type_name("")->expected(0, 3);
  verb->add_option("--bin-a", flags->program_a, "A's inferometer (default: this one)")->check(CLI::ExistingFile);
  verb->add_option("--bin-b", flags->program_b, "B's inferometer (default: this one)")->check(CLI::ExistingFile);
  verb->add_option("--against", flags->against, "pinned: A is the program that --pin kept")->check(CLI::IsMember({"pinned"}));
  verb->add_flag("--pin", flags->pin, "Keep --bin-b (default: this program) as the baseline of --against pinned");
  verb->add_option("--side-a", flags->side_a, "Results: the engine that is A, where there are several");
  verb->add_option("--side-b", flags->side_b, "Results: the engine that is B");
  verb->add_option("--session-a", flags->session_a, "Results: A's session (default: the latest)");
  verb->add_option("--session-b", flags->session_b, "Results: B's session (default: the latest; A's where one folder is given)");
  verb->add_option("--pairs", flags->pairs, "Pairs of processes; fewer than 10 decide nothing")
      ->check(number_between(1, kMaxPairs))
      ->capture_default_str();
  verb->add_option("--extra-pairs", flags->extra_pairs,
                   "Most pairs that are added, one for each in which the machine was disturbed (default: a quarter of --pairs)")
      ->check(number_between(0, kMaxPairs));
  verb->add_option("--min-effect", flags->min_effect, "The margin: an effect within it counts as none (default: the plan's, 1%)");
  verb->add_option("--metric", flags->metrics, "What is compared: latency, ttft, tpot; several are tested together")
      ->delimiter(',')
      ->check(CLI::IsMember({"latency", "ttft", "tpot"}))
      ->capture_default_str();
  verb->add_option("--out", flags->out, "Folder for the runs")->capture_default_str();
  verb->add_option("-o,--format", flags->format, "Format of the report")
      ->check(CLI::IsMember({"text", "json", "md", "junit"}))
      ->capture_default_str();
  verb->add_option("--figure", flags->figure, "Draw the cells' effects into this file (.png or .svg; needs gnuplot)")
      ->check(
          CLI::Validator([](const std::string& file) { return is_drawing(file) ? "" : file + " is no .png or .svg"; }, "FILE"));
  verb->add_flag("--allow-inconclusive", flags->allow_inconclusive, "Exit 0 when the pairs do not decide");
  verb->add_flag("--preflight", flags->preflight, "A against itself: what this machine can see");
  verb->callback([flags, &context] {
    const std::string command = command_line(context);
    context.action = [flags, command] { return compare(*flags, command); };
  });
}

}  // namespace ifm
