#include "inferometer/cli/print_document.h"

#include <cstdio>

#include <fmt/format.h>

#include "inferometer/cli/terminal.h"

namespace ifm {

void print_document(const Document& document, const std::string& format) {
  if (format == "md") {
    fmt::print("{}", render_markdown(document));
  } else {
    fmt::print("{}", render_text(document, {.width = terminal_width(stdout), .colour = use_colour(stdout)}));
  }
}

}  // namespace ifm
