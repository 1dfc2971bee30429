#pragma once

#include <string>
#include <string_view>

namespace ifm {

/// Text that came from outside (a model, a plan, a server), made harmless for a terminal and for one line of any output:
/// control characters, escape sequences, line ends, bidirectional overrides and broken UTF-8 become \n, \x1b, \u202e, \xff.
[[nodiscard]] std::string escape_terminal(std::string_view text);

/// The same for text of several lines: line ends stay.
[[nodiscard]] std::string escape_lines(std::string_view text);

/// escape_terminal, then Markdown's own marks: nothing in it is emphasis, a link, a table border or HTML.
[[nodiscard]] std::string escape_markdown(std::string_view text);

/// escape_terminal, then & < > " ' as entities: fit for an element and for an attribute.
[[nodiscard]] std::string escape_html(std::string_view text);
/// The same for text that is shown as it is, in <pre>: line ends stay.
[[nodiscard]] std::string escape_html_lines(std::string_view text);

/// escape_terminal, then LaTeX's own marks; square brackets in braces, so that none is taken for an option of the line above.
[[nodiscard]] std::string escape_latex(std::string_view text);

/// One field of a CSV file (RFC 4180). What a spreadsheet would run as a formula gets a leading apostrophe.
[[nodiscard]] std::string escape_csv(std::string_view text);

/// A gnuplot string literal in single quotes, safe under `noenhanced`.
[[nodiscard]] std::string quote_gnuplot(std::string_view text);

/// A fenced Markdown block that shows `text` as it is, whatever backticks it holds; other control characters are escaped.
[[nodiscard]] std::string fence_markdown(std::string_view text, std::string_view language);

}  // namespace ifm
