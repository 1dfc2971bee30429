#include "inferometer/render/html.h"

#include <fmt/format.h>

#include "inferometer/render/escape.h"

namespace ifm {
namespace {

/// Lower-case letters and digits; whatever else stands between them is one hyphen.
std::string identifier(std::string_view text) {
  std::string id;
  for (const char c : text) {
    const bool upper = c >= 'A' && c <= 'Z';
    if (upper || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
      id += upper ? static_cast<char>(c - 'A' + 'a') : c;
    } else if (!id.empty() && id.back() != '-') {
      id += '-';
    }
  }
  if (!id.empty() && id.back() == '-') id.pop_back();
  return id;
}

class HtmlRenderer {
 public:
  explicit HtmlRenderer(const Pictures& pictures) : pictures_(pictures) {}

  void operator()(const Title& block) {
    end_section();
    out_ += fmt::format("<header>\n<h1>{}</h1>\n", escape_html(block.text));
    note(block.note);
    out_ += "</header>\n";
  }
  void operator()(const Heading& block) {
    end_section();
    heading_ = block.text;
    const std::string id = heading_id(block.text);
    out_ += fmt::format("<section id=\"{0}\" aria-labelledby=\"{0}-title\">\n<h2 id=\"{0}-title\">{1}</h2>\n", id,
                        escape_html(block.text));
    in_section_ = true;
    note(block.note);
  }
  void operator()(const Paragraph& block) { out_ += fmt::format("<p>{}</p>\n", escape_html(block.text)); }
  void operator()(const Bullets& block) {
    out_ += "<ul>\n";
    for (const std::string& item : block.items) out_ += fmt::format("<li>{}</li>\n", escape_html(item));
    out_ += "</ul>\n";
  }
  void operator()(const Facts& block) {
    out_ += "<dl>\n";
    for (const auto& [name, value] : block.items)
      out_ += fmt::format("<dt>{}</dt><dd>{}</dd>\n", escape_html(name), escape_html(value));
    out_ += "</dl>\n";
  }
  void operator()(const ReportTable& block) {
    const std::vector<size_t> used = used_columns(block);
    // A wide table scrolls by itself; with tabindex the keyboard reaches it.
    out_ += fmt::format("<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"{}\">\n<table>\n<thead><tr>",
                        heading_.empty() ? "Table" : "Table: " + escape_html(heading_));
    for (const size_t c : used)
      out_ += fmt::format("<th scope=\"col\"{}>{}</th>", side(block, c), escape_html(block.columns[c].header));
    out_ += "</tr></thead>\n<tbody>\n";
    for (const std::vector<std::string>& row : block.rows) {
      out_ += "<tr>";
      for (const size_t c : used) {
        const std::string text = escape_html(cell_of(row, c));
        out_ += c == used.front() ? fmt::format("<th scope=\"row\"{}>{}</th>", side(block, c), text)
                                  : fmt::format("<td{}>{}</td>", side(block, c), text);
      }
      out_ += "</tr>\n";
    }
    out_ += "</tbody>\n</table>\n</div>\n";
  }
  void operator()(const Gap&) {}
  void operator()(const Image& block) {
    const auto picture = pictures_.find(block.file);
    if (picture == pictures_.end()) return;
    out_ += fmt::format("<figure>\n{}\n", picture->second.svg);
    for (const std::string& table : picture->second.data) {
      const bool first = table == picture->second.data.front();
      out_ += fmt::format("{}<a href=\"#{}\">{}</a>", first ? "<figcaption>Data: " : ", ", data_id(table), escape_html(table));
    }
    out_ += picture->second.data.empty() ? "</figure>\n" : "</figcaption>\n</figure>\n";
  }
  void operator()(const Verbatim& block) {
    out_ += fmt::format("<pre tabindex=\"0\"><code>{}</code></pre>\n", escape_html_lines(block.text));
  }
  void add(const std::string& html) { out_ += html; }
  [[nodiscard]] std::string take() {
    end_section();
    return std::move(out_);
  }

 private:
  void note(const std::string& text) {
    if (!text.empty()) out_ += fmt::format("<p class=\"note\">{}</p>\n", escape_html(text));
  }
  void end_section() {
    if (in_section_) out_ += "</section>\n";
    in_section_ = false;
  }
  static const char* side(const ReportTable& table, size_t column) {
    return table.columns[column].align == Align::left ? " class=\"left\"" : "";
  }

  const Pictures& pictures_;
  std::string out_;
  std::string heading_;
  bool in_section_ = false;
};

}  // namespace

std::string heading_id(std::string_view heading) { return identifier(heading); }

std::string data_id(std::string_view table) { return identifier("data " + std::string(table)); }

std::string html_section(const Heading& heading, const std::string& body) {
  static const Pictures none;
  HtmlRenderer renderer(none);
  renderer(heading);
  renderer.add(body);
  return renderer.take();
}

std::string render_html(const Document& document, const Pictures& pictures) {
  HtmlRenderer renderer(pictures);
  for (const Block& block : document) std::visit(renderer, block);
  return renderer.take();
}

}  // namespace ifm
