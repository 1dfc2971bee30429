#include "inferometer/cli/pandoc.h"

#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "inferometer/base/error.h"
#include "inferometer/base/subprocess.h"
#include "inferometer/cli/output_file.h"

namespace ifm {
namespace {

namespace fs = std::filesystem;

bool is_there(const std::string& program) {
  try {
    return run_process({program, "--version"}, {.timeout_ms = 60'000}).ok();
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::not_found) return false;
    throw;
  }
}

/// @throws Error not_found.
void check_programs() {
  for (const char* program : {"pandoc", "weasyprint"}) {
    if (is_there(program)) continue;
    fail(ErrorKind::not_found,
         "{}: not found, so that no PDF can be made (expected pandoc and weasyprint in PATH: apt-get install pandoc weasyprint, "
         "or "
         "brew install pandoc weasyprint)",
         program);
  }
}

/// A file that is gone when this is.
class RemovedAtEnd {
 public:
  explicit RemovedAtEnd(fs::path file) : file_(std::move(file)) {}
  RemovedAtEnd(const RemovedAtEnd&) = delete;
  RemovedAtEnd& operator=(const RemovedAtEnd&) = delete;
  ~RemovedAtEnd() {
    std::error_code ignored;
    fs::remove(file_, ignored);
  }

 private:
  fs::path file_;
};

/// Runs one step; what it wrote must be there afterwards. @throws Error io.
void run_step(const std::vector<std::string>& command, const fs::path& written, const fs::path& pdf) {
  const ProcessResult result = run_process(command, {.timeout_ms = 300'000});
  std::error_code ignored;
  if (result.ok() && fs::exists(written, ignored) && fs::file_size(written, ignored) > 0) return;
  fs::remove(written, ignored);
  const std::string why = result.timed_out ? "no answer for 300 s" : result.error.substr(0, result.error.find('\n'));
  fail(ErrorKind::io, "{}: {} could not make it ({})", pdf.string(), command.front(), why.empty() ? "it wrote nothing" : why);
}

}  // namespace

void make_pdf(const fs::path& markdown, const fs::path& pdf, const std::string& title, const fs::path& css) {
  check_programs();
  const std::string temporary = temporary_beside(pdf).string();  // with the ends that the programs look at
  // A page with everything inside, because weasyprint would look for pictures elsewhere.
  const fs::path page = temporary + ".html";
  const RemovedAtEnd page_is_a_step(page);
  run_step({"pandoc", "--from=markdown-smart-citations-tex_math_dollars-raw_html-raw_tex-yaml_metadata_block", "--to=html5",
            "--standalone", "--self-contained", "--shift-heading-level-by=-1", "--no-highlight", "--columns=72",
            "--resource-path=" + markdown.parent_path().string(), "--metadata=title=" + title, "--metadata=lang=en",
            "--css=" + css.string(), "--output=" + page.string(), markdown.string()},
           page, pdf);
  run_step({"weasyprint", page.string(), temporary + ".pdf"}, temporary + ".pdf", pdf);
  move_into_place(temporary + ".pdf", pdf);
}

}  // namespace ifm
