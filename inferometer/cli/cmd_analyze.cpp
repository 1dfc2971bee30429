#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "inferometer/base/error.h"
#include "inferometer/cli/app.h"
#include "inferometer/cli/commands.h"
#include "inferometer/cli/drawing.h"
#include "inferometer/cli/output_file.h"
#include "inferometer/cli/results.h"
#include "inferometer/figure/figures.h"
#include "inferometer/report/csv_files.h"
#include "inferometer/report/reproducibility_md.h"
#include "inferometer/report/results_md.h"

namespace ifm {
namespace {

namespace fs = std::filesystem;

struct AnalyzeFlags {
  std::string out = "results";
  std::optional<int64_t> session;
  std::vector<int64_t> gaps;  ///< runs
  std::string size;           ///< draw only the figures, for this
};

/// runs.csv of more runs than the study holds.
void write_runs(const fs::path& out, const Study& study) {
  const fs::path file = out / "analysis" / "runs.csv";
  write_whole(file, [&](std::ostream& stream) {
    CsvTable csv = runs_table();
    visit_measured_runs(out, study.session.id, [&](const Run& run) {
      add_run(csv, study.session.id, run);
      stream << csv.take_text();
    });
  });
  fmt::print("{}\n", file.string());
}

/// Draws figures as PNG and SVG and prints where they are.
void draw_all(const fs::path& out, const std::vector<Figure>& pictures) {
  make_folder(out / "figures");
  const std::map<std::string, std::string> drawings = draw_svgs(pictures);
  for (const Figure& figure : pictures) {
    const fs::path png = out / "figures" / (figure.name + ".png");
    draw_png(figure, png);
    const fs::path svg = fs::path(png).replace_extension(".svg");
    write_whole(svg, drawings.at(figure.name));
    fmt::print("{}\n{}\n", png.string(), svg.string());
  }
}

/// @throws Error not_found for a run that is not in the session, or has no gap.
int draw_gaps(const AnalyzeFlags& flags) {
  const StoredSession stored = read_session(flags.out, flags.session);
  const Study study = analyze(stored.session, stored.runs);
  std::vector<Figure> pictures;
  for (const int64_t id : flags.gaps) {
    const auto run = std::find_if(stored.runs.begin(), stored.runs.end(), [id](const Run& r) { return r.id == id; });
    if (run == stored.runs.end())
      fail(ErrorKind::not_found,
           "--gaps: no run {} in session {} (expected one of {} to {}: the column run of analysis/runs.csv)", id,
           stored.session.id, stored.runs.front().id, stored.runs.back().id);
    pictures.push_back(gaps_figure(study, *run));
  }
  draw_all(flags.out, pictures);
  return exit_done;
}

int draw_in_size(const AnalyzeFlags& flags) {
  const fs::path folder = fs::path(flags.out) / "figures" / flags.size;
  const Study study = read_study(flags.out, flags.session);
  const bool column = flags.size == "column";
  make_folder(folder);
  for (const Figure& figure : column ? column_figures(study) : figures(study)) {
    const fs::path file = folder / (figure.name + ".png");
    draw_png(figure, file, column ? FigureFormat::column : FigureFormat::slide);
    fmt::print("{}\n", file.string());
  }
  return exit_done;
}

int analyze_session(const AnalyzeFlags& flags) {
  if (!flags.gaps.empty()) return draw_gaps(flags);
  if (!flags.size.empty()) return draw_in_size(flags);
  const fs::path out = flags.out;
  Study study = read_study(out, flags.session);
  if (study.runs_are_sample) {
    write_runs(out, study);
    study.token_gaps = token_gaps_of_many(out, study.session.id);
  }
  const std::vector<Figure> pictures = figures(study);
  std::vector<ReportFile> files = csv_files(study);
  files.push_back({"RESULTS.md", results_markdown(study, pictures)});
  files.push_back({"REPRODUCIBILITY.md", reproducibility_markdown(study)});
  for (const ReportFile& file : files) {
    write_whole(out / file.path, file.bytes);
    fmt::print("{}\n", (out / file.path).string());
  }
  std::fflush(stdout);
  draw_all(out, pictures);
  return exit_done;
}

}  // namespace

void add_analyze(CLI::App& app, CliContext& context) {
  CLI::App* verb = add_verb(
      app, "analyze", "Write a session's tables (CSV), figures (PNG, SVG), RESULTS.md and REPRODUCIBILITY.md",
      "  inferometer analyze --out results\n"
      "  inferometer analyze --out results --gaps 17     every gap between the tokens of run 17, as figures/gaps_run_17.png\n"
      "  inferometer analyze --out results --size slide  the figures with larger letters, in figures/slide; column: for a paper");
  auto flags = std::make_shared<AnalyzeFlags>();  // shared with the callback, which outlives this function
  verb->add_option("--out", flags->out, "Results folder")->capture_default_str();
  verb->add_option("--session", flags->session, "Session (default: the latest)");
  verb->add_option("--gaps", flags->gaps, "Draw only this: the gaps between the tokens of these runs (their numbers in runs.csv)")
      ->delimiter(',')
      ->type_name("RUN");
  verb->add_option("--size", flags->size,
                   "Draw only the figures, for a slide (1920 × 1080) or a column of a paper (85 mm at 300 dpi, without titles)")
      ->check(CLI::IsMember({"slide", "column"}));
  verb->callback([flags, &context] { context.action = [flags] { return analyze_session(*flags); }; });
}

}  // namespace ifm
