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
#include "inferometer/cli/pandoc.h"
#include "inferometer/cli/results.h"
#include "inferometer/report/assets.h"
#include "inferometer/report/named_tables.h"
#include "inferometer/report/page.h"
#include "inferometer/report/paper.h"
#include "inferometer/report/study_document.h"

namespace ifm {
namespace {

namespace fs = std::filesystem;

struct ReportFlags {
  std::string out = "results";
  std::optional<int64_t> session;
  bool paper = false;
  std::string table;  ///< print only this
  std::string format = "md";
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

/// The session's study, with what its tokens say, however many runs it has.
Study study_of(const ReportFlags& flags) {
  Study study = read_study(flags.out, flags.session);
  if (study.runs_are_sample) study.token_gaps = token_gaps_of_many(flags.out, study.session.id);
  return study;
}

PageParts parts_of(const Study& study, const fs::path& out) {
  PageParts parts;
  parts.runs = study.runs_are_sample ? runs_of_many(study, out) : study.runs;
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

/// Prints one of the summary's tables.
int print_table(const ReportFlags& flags) {
  const Study study = study_of(flags);
  const std::vector<ReportTable> tables = named_tables(study, flags.table);
  if (tables.empty()) fail(ErrorKind::not_found, "--table: session {} has nothing to say of {}", study.session.id, flags.table);
  for (std::size_t i = 0; i < tables.size(); ++i) {
    const std::string text = flags.format == "latex" ? latex_table(tables[i])
                             : flags.format == "csv" ? csv_table(tables[i])
                                                     : markdown_table(tables[i]);
    fmt::print("{}{}", i > 0 ? "\n" : "", text);
  }
  return exit_done;
}

/// Writes paper/: Markdown, figures, PDF. What is there already is said when a program for the rest is absent.
int write_paper(const ReportFlags& flags) {
  const fs::path out = flags.out;
  const fs::path folder = out / "paper";
  const Study study = study_of(flags);
  const std::vector<Figure> pictures = figures(study);
  const fs::path markdown = folder / "paper.md";
  write_whole(markdown, paper_markdown(study, pictures));
  write_whole(folder / "paper.css", std::string(paper_css()));
  fmt::print("{}\n", markdown.string());
  std::fflush(stdout);
  make_folder(folder / "figures");
  for (const Figure& figure : pictures) draw_png(figure, folder / figure_file(figure));
  make_pdf(markdown, folder / "paper.pdf", paper_title(study), folder / "paper.css");
  fmt::print("{}\n", (folder / "paper.pdf").string());
  return exit_done;
}

int report(const ReportFlags& flags) {
  if (!flags.table.empty()) return print_table(flags);
  if (flags.paper) return write_paper(flags);
  const fs::path out = flags.out;
  const Study study = study_of(flags);
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
               "  inferometer report\n"
               "  inferometer report --out results --session 2\n"
               "  inferometer report --paper                            the draft of a paper: paper/paper.md and paper.pdf\n"
               "  inferometer report --table overall --format latex     one table, for a paper of your own");
  auto flags = std::make_shared<ReportFlags>();  // shared with the callback, which outlives this function
  verb->add_option("--out", flags->out, "Results folder")->capture_default_str();
  verb->add_option("--session", flags->session, "Session (default: the latest)");
  CLI::Option* paper = verb->add_flag("--paper", flags->paper,
                                      "Write the draft of a paper into paper/ there (its PDF needs pandoc and weasyprint)");
  CLI::Option* table = verb->add_option("--table", flags->table, "Print one of the summary's tables")
                           ->check(CLI::IsMember(table_names()))
                           ->excludes(paper);
  verb->add_option("--format", flags->format, "Format of that table")
      ->check(CLI::IsMember({"md", "csv", "latex"}))
      ->needs(table)
      ->capture_default_str();
  verb->callback([flags, &context] { context.action = [flags] { return report(*flags); }; });
}

}  // namespace ifm
