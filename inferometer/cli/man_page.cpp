#include "inferometer/cli/man_page.h"

#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "inferometer/render/display.h"

namespace ifm {
namespace {

/// Text that roff takes as it is: no escapes, no line that begins a request, hyphens that can be copied, other letters by number.
std::string roff(std::string_view text) {
  std::string out;
  bool line_begins = true;
  while (!text.empty()) {
    const DisplayChar c = first_display_char(text);
    if (line_begins && (c.code == '.' || c.code == '\'')) out += "\\&";
    line_begins = c.code == '\n';
    if (c.code == '\\') {
      out += "\\e";
    } else if (c.code == '-') {
      out += "\\-";
    } else if (c.code >= 0x80) {
      out += fmt::format("\\[u{:04X}]", c.code);
    } else {
      out += static_cast<char>(c.code);
    }
    text.remove_prefix(c.length);
  }
  return out;
}

std::string option_entry(const OptionHelp& option) {
  std::string head = option.positional.empty() ? fmt::format("\\fB{}\\fR", roff(fmt::format("{}", fmt::join(option.names, ", "))))
                                               : fmt::format("\\fI{}\\fR", roff(option.positional));
  if (!option.value.empty() && option.positional.empty()) head += fmt::format(" \\fI{}\\fR", roff(option.value));
  return fmt::format(".TP\n{}\n{}\n", head, roff(option.description.empty() ? "." : option.description));
}

/// A footer's "Example:" and the lines below it.
std::string example_of(const std::string& footer) {
  const size_t begin = footer.find('\n');
  if (begin == std::string::npos) return {};
  return fmt::format(".PP\nExample:\n.PP\n.nf\n{}\n.fi\n", roff(footer.substr(begin + 1)));
}

std::string verb_section(const VerbHelp& verb) {
  std::string out =
      fmt::format(".SS inferometer {}\n{}.\n", roff(fmt::format("{}", fmt::join(verb.path, " "))), roff(verb.description));
  for (const OptionHelp& option : verb.options) {
    if (option.names.empty() || option.names.back() != "--help") out += option_entry(option);
  }
  return out + example_of(verb.example);
}

}  // namespace

std::string man_page(const VerbHelp& program, const std::string& version) {
  std::string out = fmt::format(
      ".\\\" Made by: inferometer man\n.TH INFEROMETER 1 \"\" \"Inferometer {}\" \"User Commands\"\n.SH NAME\ninferometer \\- "
      "runs "
      "language models on this machine and measures how fast\n.SH SYNOPSIS\n.B inferometer\n.I verb\n.RI [ options ]\n.SH "
      "DESCRIPTION\n{}\n"
      ".PP\nEvery verb has\n.BR \\-\\-help .\n",
      roff(version), roff(program.description));
  out += example_of(program.example) + ".SH VERBS\n";
  for (const VerbHelp* verb : all_verbs(program)) {
    if (!verb->path.empty()) out += verb_section(*verb);
  }
  out += ".SH EXIT STATUS\n";
  for (const auto& [code, meaning] :
       {std::pair{0, "Done."}, std::pair{1, "Failed: one line on standard error says why."},
        std::pair{2, "The command was not understood."}, std::pair{3, "A comparison found a regression."},
        std::pair{4, "The two sides cannot be compared."}, std::pair{5, "The pairs of a comparison do not decide."},
        std::pair{70, "A bug in Inferometer."}, std::pair{130, "Interrupted."}}) {
    out += fmt::format(".TP\n.B {}\n{}\n", code, meaning);
  }
  out += ".SH ENVIRONMENT\n";
  for (const auto& [name, meaning] : {std::pair{"INFEROMETER_HOME", "Where downloaded models lie."},
                                      std::pair{"HF_HOME, HF_TOKEN", "As Hugging Face's tools read them."},
                                      std::pair{"NO_COLOR", "No colours on a terminal."}}) {
    out += fmt::format(".TP\n.B {}\n{}\n", roff(name), meaning);
  }
  return out;
}

}  // namespace ifm
