#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "inferometer/base/error.h"
#include "inferometer/cli/app.h"
#include "inferometer/cli/commands.h"
#include "inferometer/cli/drawing.h"
#include "inferometer/cli/output_file.h"
#include "inferometer/cli/results.h"
#include "inferometer/report/page.h"

namespace ifm {
namespace {

namespace fs = std::filesystem;

struct ReportFlags {
  std::string out = "results";
  std::optional<int64_t> session;
};

/// Of a session with more runs than a study holds: those of its sample, and as many failed and flagged ones again at most.
std::vector<Run> runs_of_many(const Study& study, const fs::path& out) {
  std::set<int64_t> sample;
  for (const Run& run : study.runs) sample.insert(run.id);
  size_t others = 0;
  return measured_runs(out, study.session.id, [&](const Run& run) {
    if (sample.contains(run.id)) return true;
    const bool noted = run.status == RunStatus::failed || !run.flags.empty();
    return noted && ++others <= sample.size();
  });
}

PageParts parts_of(Study& study, const fs::path& out) {
  PageParts parts;
  if (study.runs_are_sample) {
    study.token_gaps = token_gaps_of_many(out, study.session.id);
    parts.runs = runs_of_many(study, out);
  } else {
    parts.runs = study.runs;
  }
  parts.figures = figures(study);
  if (const Run* run = typical_run(study, parts.runs)) parts.figures.push_back(gaps_figure(study, *run));
  if (!study.runs_are_sample && holds_pairs(study.session)) {
    parts.comparison = compare_sides(study.session, study.runs, {"latency"});
    parts.figures.push_back(forest_figure(*parts.comparison));
  }
  std::erase_if(parts.figures, [](const Figure& figure) { return figure.body.empty(); });
  parts.tables = csv_files(study);
  return parts;
}

int report(const ReportFlags& flags) {
  const fs::path out = flags.out;
  Study study = read_study(out, flags.session);
  PageParts parts = parts_of(study, out);
  std::optional<Error> not_drawn;
  try {
    parts.drawings = draw_svgs(parts.figures);
  } catch (const Error& error) {
    not_drawn = error;  // the page is worth having without its figures
  }
  const fs::path file = out / "report.html";
  write_whole(file, report_page(study, parts));
  fmt::print("{}\n", file.string());
  std::fflush(stdout);
  if (not_drawn)
    throw Error(not_drawn->kind(), fmt::format("{}: made without its figures: {}", file.string(), not_drawn->message()));
  return exit_done;
}

}  // namespace

void add_report(CLI::App& app, CliContext& context) {
  CLI::App* verb =
      add_verb(app, "report", "Write a session as a page to be looked at and passed on: report.html in its results folder",
               "  inferometer report\n  inferometer report --out results --session 2");
  auto flags = std::make_shared<ReportFlags>();  // shared with the callback, which outlives this function
  verb->add_option("--out", flags->out, "Results folder")->capture_default_str();
  verb->add_option("--session", flags->session, "Session (default: the latest)");
  verb->callback([flags, &context] { context.action = [flags] { return report(*flags); }; });
}

}  // namespace ifm
