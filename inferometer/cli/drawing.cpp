#include "inferometer/cli/drawing.h"

#include <algorithm>
#include <atomic>
#include <future>
#include <system_error>
#include <thread>

#include <fmt/format.h>

#include "inferometer/base/error.h"
#include "inferometer/base/subprocess.h"
#include "inferometer/cli/output_file.h"
#include "inferometer/figure/svg.h"

namespace ifm {
namespace {

namespace fs = std::filesystem;

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
         "gnuplot: not found, so that no figure can be drawn (expected it in PATH: apt-get install gnuplot-nox, or brew install "
         "gnuplot)");
  }
}

/// @throws Error io when gnuplot did not draw what is called `name`.
void check_drawn(const std::string& name, const ProcessResult& result, bool something) {
  if (result.ok() && something) return;
  const std::string why = result.timed_out ? "no answer for 120 s" : last_line(result.error);
  fail(ErrorKind::io, "{}: gnuplot could not draw it ({})", name, why.empty() ? "it wrote nothing" : why);
}

}  // namespace

void check_gnuplot() { (void)run_gnuplot(""); }

std::string draw_svg(const Figure& figure) {
  const ProcessResult result = run_gnuplot(gnuplot_script(figure, FigureFormat::svg, "/dev/stdout"));
  check_drawn(figure.name + ".svg", result, !result.output.empty());
  return with_font_fallbacks(result.output);
}

void draw_png(const Figure& figure, const fs::path& file, FigureFormat format) {
  const fs::path temporary = temporary_beside(file);
  const ProcessResult result = run_gnuplot(gnuplot_script(figure, format, temporary.string()));
  std::error_code ignored;
  const bool something = fs::exists(temporary, ignored) && fs::file_size(temporary, ignored) > 0;
  if (!result.ok() || !something) fs::remove(temporary, ignored);
  check_drawn(file.string(), result, something);
  move_into_place(temporary, file);
}

std::map<std::string, std::string> draw_svgs(const std::vector<Figure>& figures) {
  std::vector<std::string> drawn(figures.size());
  std::atomic<size_t> next = 0;
  const auto draw_some = [&] {
    for (size_t i = next++; i < figures.size(); i = next++) drawn[i] = draw_svg(figures[i]);
  };
  std::vector<std::future<void>> helpers;
  const size_t threads = std::clamp<size_t>(std::thread::hardware_concurrency(), 1, 4);
  for (size_t i = 0; i < threads; ++i) helpers.push_back(std::async(std::launch::async, draw_some));
  for (std::future<void>& helper : helpers) helper.get();
  std::map<std::string, std::string> by_name;
  for (size_t i = 0; i < figures.size(); ++i) by_name[figures[i].name] = std::move(drawn[i]);
  return by_name;
}

}  // namespace ifm
