#include "inferometer/cli/pandoc.h"

#include <array>
#include <system_error>
#include <vector>

#include <fmt/format.h>

#include "inferometer/base/error.h"
#include "inferometer/base/subprocess.h"
#include "inferometer/cli/output_file.h"

namespace ifm {
namespace {

namespace fs = std::filesystem;

constexpr std::array<const char*, 3> kEngines{"weasyprint", "xelatex", "lualatex"};

bool is_there(const std::string& program) {
  try {
    return run_process({program, "--version"}, {.timeout_ms = 60'000}).ok();
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::not_found) return false;
    throw;
  }
}

std::string pdf_engine() {
  if (!is_there("pandoc")) {
    fail(ErrorKind::not_found,
         "pandoc: not found, so that no PDF can be made (expected it and weasyprint or xelatex in PATH: apt-get install pandoc "
         "weasyprint)");
  }
  for (const char* engine : kEngines) {
    if (is_there(engine)) return engine;
  }
  fail(ErrorKind::not_found,
       "pandoc: no program to print with (expected weasyprint, xelatex or lualatex in PATH: apt-get install weasyprint)");
}

/// What LaTeX is told; its own fonts lack many letters.
std::vector<std::string> latex_options() {
  std::vector<std::string> options;
  for (const char* variable :
       {"geometry:margin=20mm", "papersize=a4", "fontsize=9pt", "documentclass=extarticle", "colorlinks", "mainfont=DejaVu Serif",
        "sansfont=DejaVu Sans", "monofont=DejaVu Sans Mono", "monofontoptions=Scale=0.8"})
    options.insert(options.end(), {"-V", variable});
  // Tables in small print; long words (hashes, flags) may be broken anywhere.
  options.insert(options.end(), {"-V",
                                 "header-includes=\\usepackage{etoolbox}\\AtBeginEnvironment{longtable}{\\footnotesize}"
                                 "\\AtBeginEnvironment{Highlighting}{\\footnotesize}\\emergencystretch=3em"});
  return options;
}

}  // namespace

void make_pdf(const fs::path& markdown, const fs::path& pdf, const std::string& title, const fs::path& css) {
  const std::string engine = pdf_engine();
  const fs::path temporary = fs::path(temporary_beside(pdf).string() + ".pdf");  // pandoc looks at the name
  std::vector<std::string> command{"pandoc",
                                   "--from=markdown-smart-citations-tex_math_dollars-raw_html-raw_tex-yaml_metadata_block",
                                   "--standalone",
                                   "--number-sections",
                                   "--shift-heading-level-by=-1",
                                   "--no-highlight",
                                   "--columns=72",
                                   "--resource-path=" + markdown.parent_path().string(),
                                   "--metadata=title=" + title,
                                   "--metadata=lang=en",
                                   "--pdf-engine=" + engine,
                                   "--output=" + temporary.string()};
  if (engine == "weasyprint") {
    command.push_back("--css=" + fs::absolute(css).string());
  } else {
    const std::vector<std::string> options = latex_options();
    command.insert(command.end(), options.begin(), options.end());
  }
  command.push_back(markdown.string());
  const ProcessResult result = run_process(command, {.timeout_ms = 300'000});
  std::error_code ignored;
  const bool written = fs::exists(temporary, ignored) && fs::file_size(temporary, ignored) > 0;
  if (!result.ok() || !written) {
    fs::remove(temporary, ignored);
    const std::size_t line = result.error.find('\n');
    fail(ErrorKind::io, "{}: pandoc and {} could not make it ({})", pdf.string(), engine,
         result.timed_out ? "no answer for 300 s" : result.error.substr(0, line));
  }
  move_into_place(temporary, pdf);
}

}  // namespace ifm
