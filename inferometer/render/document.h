#pragma once

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "inferometer/render/table.h"

namespace ifm {

/// The parts of a text that is shown on a terminal and written as Markdown from one source. All text is raw: the renderers
/// escape it.
struct Title {
  std::string text;
  std::string note;  ///< said beside it, in a quieter voice
};
struct Heading {
  std::string text;
  std::string note;
  int level = 2;  ///< 3: part of the section before it; Markdown shows it
};
struct Paragraph {
  std::string text;
};
struct Bullets {
  std::vector<std::string> items;
};
/// Names and what they are, in two columns.
struct Facts {
  std::vector<std::pair<std::string, std::string>> items;
};
/// An empty line between two blocks on a terminal.
struct Gap {};
/// A picture beside the document; a terminal does not show it.
struct Image {
  std::string file;
  std::string description;
};
/// Text that is shown as it is, such as a plan or commands.
struct Verbatim {
  std::string text;
  std::string language;
};

using Block = std::variant<Title, Heading, Paragraph, Bullets, Facts, ReportTable, Gap, Image, Verbatim>;
using Document = std::vector<Block>;
/// Documents one after the other.
[[nodiscard]] Document concatenated(const std::vector<Document>& parts);

struct TextStyle {
  int width = 100;      ///< lines are wrapped at it (a table keeps its own)
  bool colour = false;  ///< ANSI bold, dim and colour
};

[[nodiscard]] std::string render_text(const Document& document, const TextStyle& style);
/// What reads Markdown: a web page, where tables are as wide as they are, or pandoc, which gives the columns of a table that is
/// wider than its page their share of it by the dashes below their heads.
enum class MarkdownReader { any, pandoc };
[[nodiscard]] std::string render_markdown(const Document& document, MarkdownReader reader = MarkdownReader::any);

/// Words of one paragraph on lines of at most `width` columns: the first after `first` (its width counts), the others after
/// `rest`. A longer word stays whole.
[[nodiscard]] std::vector<std::string> wrap_text(const std::string& text, int width, const std::string& first,
                                                 const std::string& rest);

}  // namespace ifm
