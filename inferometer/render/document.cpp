#include "inferometer/render/document.h"

#include <algorithm>

#include <fmt/format.h>

#include "inferometer/render/display.h"
#include "inferometer/render/escape.h"

namespace ifm {
namespace {

class TextRenderer {
 public:
  explicit TextRenderer(const TextStyle& style) : style_(style) {}

  void operator()(const Title& block) { headline(block.text, block.note, "1"); }
  void operator()(const Heading& block) {
    out_ += '\n';
    headline(block.text, block.note, "1;36");
  }
  void operator()(const Paragraph& block) { lines(wrap_text(escape_terminal(block.text), style_.width, "  ", "  ")); }
  void operator()(const Bullets& block) {
    for (const std::string& item : block.items) lines(wrap_text(escape_terminal(item), style_.width, "  • ", "    "));
  }
  void operator()(const Facts& block) {
    int width = 0;
    for (const auto& [name, value] : block.items) width = std::max(width, display_width(name));
    for (const auto& [name, value] : block.items) {
      const std::string gap(static_cast<size_t>(width - display_width(name) + 2), ' ');
      const std::string rest(static_cast<size_t>(width + 4), ' ');
      std::vector<std::string> wrapped = wrap_text(escape_terminal(value), style_.width, rest, rest);
      if (wrapped.empty()) continue;
      wrapped[0] = "  " + painted("2", name) + gap + wrapped[0].substr(rest.size());
      lines(wrapped);
    }
  }
  void operator()(const ReportTable& block) {
    std::vector<std::string> rows = table_lines(block, 2);
    if (!rows.empty()) rows[0] = painted("2", rows[0]);
    lines(rows);
  }
  void operator()(const Gap&) { out_ += '\n'; }
  void operator()(const Image&) {}
  void operator()(const Verbatim& block) {
    size_t begin = 0;
    while (begin < block.text.size()) {
      const size_t end = std::min(block.text.find('\n', begin), block.text.size());
      out_ += "    " + escape_terminal(block.text.substr(begin, end - begin)) + '\n';
      begin = end + 1;
    }
  }
  [[nodiscard]] std::string take() { return std::move(out_); }

 private:
  [[nodiscard]] std::string painted(const char* code, const std::string& text) const {
    return style_.colour && !text.empty() ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : text;
  }
  void headline(const std::string& text, const std::string& note, const char* code) {
    const std::string head = escape_terminal(text);
    if (note.empty()) {
      out_ += painted(code, head) + '\n';
      return;
    }
    const std::string indent(static_cast<size_t>(display_width(head) + 2), ' ');
    std::vector<std::string> wrapped = wrap_text(escape_terminal(note), style_.width, indent, "  ");
    for (size_t i = 0; i < wrapped.size(); ++i) {
      const size_t lead = i == 0 ? indent.size() : 2;
      out_ += (i == 0 ? painted(code, head) + "  " : std::string("  ")) + painted("2", wrapped[i].substr(lead)) + '\n';
    }
  }
  void lines(const std::vector<std::string>& all) {
    for (const std::string& line : all) out_ += line + '\n';
  }

  TextStyle style_;
  std::string out_;
};

class MarkdownRenderer {
 public:
  explicit MarkdownRenderer(MarkdownReader reader) : reader_(reader) {}

  void operator()(const Title& block) { part(fmt::format("# {}\n", escape_markdown(block.text)), block.note); }
  void operator()(const Heading& block) {
    part(fmt::format("{} {}\n", std::string(static_cast<size_t>(block.level), '#'), escape_markdown(block.text)), block.note);
  }
  void operator()(const Paragraph& block) { part(escape_markdown(block.text) + '\n', ""); }
  void operator()(const Bullets& block) {
    std::string text;
    for (const std::string& item : block.items) text += fmt::format("- {}\n", escape_markdown(item));
    part(text, "");
  }
  void operator()(const Facts& block) {
    std::string text = reader_ == MarkdownReader::pandoc ? "| | |\n|:--------|:----------------------------------------|\n"
                                                         : "| | |\n|:---|:---|\n";
    for (const auto& [name, value] : block.items) {
      text += fmt::format("| **{}** | {} |\n", escape_markdown(name), escape_markdown(value));
    }
    part(text, "");
  }
  void operator()(const ReportTable& block) {
    part(markdown_table(block, reader_ == MarkdownReader::pandoc ? ColumnDashes::by_width : ColumnDashes::three), "");
  }
  void operator()(const Gap&) {}
  void operator()(const Image& block) { part(fmt::format("![{}]({})\n", escape_markdown(block.description), block.file), ""); }
  void operator()(const Verbatim& block) { part(fence_markdown(block.text, block.language), ""); }
  [[nodiscard]] std::string take() { return std::move(out_); }

 private:
  void part(const std::string& text, const std::string& note) {
    if (text.empty()) return;
    if (!out_.empty()) out_ += '\n';
    out_ += text;
    if (!note.empty()) out_ += '\n' + escape_markdown(note) + '\n';
  }

  MarkdownReader reader_;
  std::string out_;
};

}  // namespace

Document concatenated(const std::vector<Document>& parts) {
  Document all;
  for (const Document& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

std::vector<std::string> wrap_text(const std::string& text, int width, const std::string& first, const std::string& rest) {
  std::vector<std::string> lines;
  std::string line;
  int columns = 0;
  size_t begin = 0;
  while (begin < text.size()) {
    const size_t end = std::min(text.find(' ', begin), text.size());
    const std::string word = text.substr(begin, end - begin);
    begin = end + 1;
    if (word.empty()) continue;
    const int word_columns = display_width(word);
    if (!line.empty() && columns + 1 + word_columns > width) {
      lines.push_back(std::move(line));
      line.clear();
    }
    if (line.empty()) {
      const std::string& lead = lines.empty() ? first : rest;
      line = lead + word;
      columns = display_width(lead) + word_columns;
    } else {
      line += ' ' + word;
      columns += 1 + word_columns;
    }
  }
  if (!line.empty()) lines.push_back(std::move(line));
  return lines;
}

std::string render_text(const Document& document, const TextStyle& style) {
  TextRenderer renderer(style);
  for (const Block& block : document) std::visit(renderer, block);
  return renderer.take();
}

std::string render_markdown(const Document& document, MarkdownReader reader) {
  MarkdownRenderer renderer(reader);
  for (const Block& block : document) std::visit(renderer, block);
  return renderer.take();
}

}  // namespace ifm
