#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <system_error>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include "inferometer/base/error.h"
#include "inferometer/base/subprocess.h"
#include "inferometer/cli/app.h"
#include "inferometer/cli/commands.h"
#include "inferometer/cli/results.h"
#include "inferometer/report/csv_files.h"
#include "inferometer/report/figures.h"
#include "inferometer/report/reproducibility_md.h"
#include "inferometer/report/results_md.h"

namespace ifm {
namespace {

namespace fs = std::filesystem;

struct AnalyzeFlags {
  std::string out = "results";
  std::optional<int64_t> session;
  std::vector<int64_t> gaps;  ///< runs
};

/// A name beside `file` that no other process uses.
fs::path temporary_beside(const fs::path& file) {
  return file.parent_path() / fmt::format(".{}.{}.tmp", file.filename().string(), ::getpid());
}

void make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) fail(ErrorKind::io, "{}: cannot be made ({})", folder.string(), error.message());
}

void move_into_place(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::rename(from, to, error);
  if (!error) return;
  std::error_code ignored;
  fs::remove(from, ignored);
  fail(ErrorKind::io, "{}: cannot be written ({})", to.string(), error.message());
}

/// Whole or not at all: readers never see half a file.
void write_whole(const fs::path& file, const std::function<void(std::ostream&)>& write) {
  make_folder(file.parent_path());
  const fs::path temporary = temporary_beside(file);
  std::ofstream stream(temporary, std::ios::binary | std::ios::trunc);
  write(stream);
  stream.close();
  if (!stream) {
    const int reason = errno;
    std::error_code ignored;
    fs::remove(temporary, ignored);
    fail(ErrorKind::io, "{}: cannot be written ({})", file.string(), std::strerror(reason));
  }
  move_into_place(temporary, file);
}

void write_whole(const fs::path& file, const std::string& bytes) {
  write_whole(file, [&](std::ostream& stream) { stream.write(bytes.data(), static_cast<std::streamsize>(bytes.size())); });
}

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

std::string read_whole(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

/// The last line that a program complained with.
std::string last_line(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  const size_t line = text.rfind('\n');
  return line == std::string::npos ? text : text.substr(line + 1);
}

ProcessResult run_gnuplot(const std::string& script) {
  RunOptions options;
  options.input = script;
  options.timeout_ms = 120'000;
  // Numbers with a decimal point, and no start-up file of the user.
  options.environment = {{"LC_ALL", "C.UTF-8"}};
  try {
    return run_process({"gnuplot", "-d", "-"}, options);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::not_found) throw;
    fail(ErrorKind::not_found,
         "gnuplot: not found; the tables are written, the figures are not (expected it in PATH: apt-get install gnuplot-nox, or "
         "brew install gnuplot)");
  }
}

void draw(const Figure& figure, FigureFormat format, const fs::path& file) {
  const fs::path temporary = temporary_beside(file);
  const ProcessResult result = run_gnuplot(gnuplot_script(figure, format, temporary.string()));
  std::error_code ignored;
  const auto size = fs::exists(temporary, ignored) ? fs::file_size(temporary, ignored) : 0;
  if (!result.ok() || size == 0) {
    fs::remove(temporary, ignored);
    const std::string why = result.timed_out ? "no answer for 120 s" : last_line(result.error);
    fail(ErrorKind::io, "{}: gnuplot could not draw it ({})", file.string(), why.empty() ? "it wrote nothing" : why);
  }
  if (format == FigureFormat::svg) {
    const std::string svg = with_font_fallbacks(read_whole(temporary));
    fs::remove(temporary, ignored);
    write_whole(file, svg);
  } else {
    move_into_place(temporary, file);
  }
}

/// Draws figures as PNG and SVG and prints where they are.
void draw_all(const fs::path& out, const std::vector<Figure>& pictures) {
  make_folder(out / "figures");
  for (const Figure& figure : pictures) {
    for (const FigureFormat format : {FigureFormat::png, FigureFormat::svg}) {
      const fs::path file = out / "figures" / (figure.name + (format == FigureFormat::png ? ".png" : ".svg"));
      draw(figure, format, file);
      fmt::print("{}\n", file.string());
    }
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

int analyze_session(const AnalyzeFlags& flags) {
  if (!flags.gaps.empty()) return draw_gaps(flags);
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
      "  inferometer analyze --out results --gaps 17     every gap between the tokens of run 17, as figures/gaps_run_17.png");
  auto flags = std::make_shared<AnalyzeFlags>();  // shared with the callback, which outlives this function
  verb->add_option("--out", flags->out, "Results folder")->capture_default_str();
  verb->add_option("--session", flags->session, "Session (default: the latest)");
  verb->add_option("--gaps", flags->gaps, "Draw only this: the gaps between the tokens of these runs (their numbers in runs.csv)")
      ->delimiter(',')
      ->type_name("RUN");
  verb->callback([flags, &context] { context.action = [flags] { return analyze_session(*flags); }; });
}

}  // namespace ifm
