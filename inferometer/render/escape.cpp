#include "inferometer/render/escape.h"

#include <algorithm>

#include <fmt/format.h>

#include "inferometer/render/display.h"

namespace ifm {
namespace {

/// Characters that move the cursor, end a line or turn the direction of the text around them.
bool is_control(uint32_t code) {
  return code < 0x20 || (code >= 0x7F && code <= 0x9F) || code == 0x2028 || code == 0x2029 || code == 0x200E || code == 0x200F ||
         (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069) || code == 0xFEFF;
}

std::string escaped_control(uint32_t code) {
  switch (code) {
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    default:
      return code <= 0xFF ? fmt::format("\\x{:02x}", code) : fmt::format("\\u{:04x}", code);
  }
}

enum class LineEnds { escaped, kept };

std::string escape_controls(std::string_view text, LineEnds line_ends) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const DisplayChar c = first_display_char(text);
    if (!c.valid) {
      out += fmt::format("\\x{:02x}", c.code);
    } else if (is_control(c.code) && !(c.code == '\n' && line_ends == LineEnds::kept)) {
      out += escaped_control(c.code);
    } else {
      out += text.substr(0, c.length);
    }
    text.remove_prefix(c.length);
  }
  return out;
}

std::string replace_each(std::string_view text, std::string (*replacement)(char)) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) out += replacement(c);
  return out;
}

std::string html_char(char c) {
  switch (c) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '"':
      return "&quot;";
    case '\'':
      return "&#39;";
    default:
      return std::string(1, c);
  }
}

std::string markdown_char(char c) {
  if (c == '&' || c == '<' || c == '>') return html_char(c);
  const bool mark = std::string_view("\\`*_[]|~#$").find(c) != std::string_view::npos;
  return mark ? std::string{'\\', c} : std::string(1, c);
}

std::string latex_char(char c) {
  switch (c) {
    case '\\':
      return "\\textbackslash{}";
    case '~':
      return "\\textasciitilde{}";
    case '^':
      return "\\textasciicircum{}";
    case '[':
      return "{[}";
    case ']':
      return "{]}";
    default:
      return std::string_view("&%$#_{}").find(c) == std::string_view::npos ? std::string(1, c) : std::string{'\\', c};
  }
}

}  // namespace

std::string escape_terminal(std::string_view text) { return escape_controls(text, LineEnds::escaped); }

std::string escape_lines(std::string_view text) { return escape_controls(text, LineEnds::kept); }

std::string escape_markdown(std::string_view text) { return replace_each(escape_terminal(text), markdown_char); }

std::string escape_latex(std::string_view text) { return replace_each(escape_terminal(text), latex_char); }

std::string escape_html(std::string_view text) { return replace_each(escape_terminal(text), html_char); }

std::string escape_html_lines(std::string_view text) { return replace_each(escape_lines(text), html_char); }

std::string escape_csv(std::string_view text) {
  std::string field = escape_terminal(text);
  // The raw text decides too: a leading tab or line end is stripped by some spreadsheets before they look for a formula.
  if (!text.empty() && std::string_view("=+-@\t\r\n").find(text.front()) != std::string_view::npos) field.insert(0, 1, '\'');
  if (field.find_first_of("\",") == std::string::npos && (field.empty() || (field.front() != ' ' && field.back() != ' '))) {
    return field;
  }
  std::string quoted = "\"";
  for (const char c : field) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + '"';
}

std::string quote_gnuplot(std::string_view text) {
  std::string out = "'";
  for (const char c : escape_terminal(text)) out += c == '\'' ? std::string("''") : std::string(1, c);
  return out + "'";
}

std::string fence_markdown(std::string_view text, std::string_view language) {
  size_t longest = 0;
  size_t here = 0;
  for (const char c : text) {
    here = c == '`' ? here + 1 : 0;
    longest = std::max(longest, here);
  }
  const std::string fence(std::max<size_t>(3, longest + 1), '`');
  std::string body = escape_lines(text);
  if (body.empty() || body.back() != '\n') body += '\n';
  return fmt::format("{}{}\n{}{}\n", fence, language, body, fence);
}

}  // namespace ifm
