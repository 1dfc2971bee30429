#include "inferometer/figure/svg.h"

#include <vector>

#include <fmt/format.h>

#include "inferometer/base/error.h"
#include "inferometer/render/escape.h"

namespace ifm {
namespace {

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

/// Each part from `begin` to `end`, both gone with it.
void cut_all(std::string& text, std::string_view begin, std::string_view end) {
  for (size_t at = text.find(begin); at != std::string::npos; at = text.find(begin, at)) {
    const size_t last = text.find(end, at);
    if (last == std::string::npos) return;
    text.erase(at, last + end.size() - at);
  }
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    if (line.find_first_not_of(" \t") != std::string_view::npos) lines.push_back(line.substr(line.find_first_not_of(" \t")));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

/// The lines but for groups that hold nothing.
std::string without_empty_groups(std::string_view text) {
  std::vector<std::string_view> kept;
  for (const std::string_view line : lines_of(text)) {
    const bool empty =
        line == "</g>" && !kept.empty() && kept.back().starts_with("<g ") && kept.back().find('>') == kept.back().size() - 1;
    if (empty) {
      kept.pop_back();
    } else {
      kept.push_back(line);
    }
  }
  return fmt::format("{}\n", fmt::join(kept, "\n"));
}

}  // namespace

std::string inline_svg(std::string_view svg, const std::string& name, const std::string& title) {
  const size_t element = svg.find("<svg");
  const std::string_view box_name = "viewBox=\"";
  const size_t box = element == std::string_view::npos ? element : svg.find(box_name, element);
  const size_t head = element == std::string_view::npos ? element : svg.find('>', element);
  if (box == std::string_view::npos || head == std::string_view::npos || box > head)
    fail(ErrorKind::invalid_data, "{}: not a drawing (expected an <svg> with a viewBox)", name);
  const std::string_view from_box = svg.substr(box + box_name.size());
  std::string body(svg.substr(head + 1));
  cut_all(body, "<title>", "</title>");
  cut_all(body, "<desc>", "</desc>");
  replace_all(body, " class=\"gridline\"", "");
  replace_all(body, "xlink:href=", "href=");
  for (const char* reference : {" id='", " id=\"", "href='#", "href=\"#", "url(#"}) {
    replace_all(body, reference, reference + name + "-");
  }
  return fmt::format("<svg viewBox=\"{}\" role=\"img\" aria-labelledby=\"{}-name\">\n<title id=\"{}-name\">{}</title>\n{}",
                     from_box.substr(0, from_box.find('"')), name, name, escape_html(title), without_empty_groups(body));
}

std::string with_font_fallbacks(std::string svg) {
  const std::string family = "font-family=\"DejaVu Sans, Verdana, sans-serif\"";
  replace_all(svg, "font-family=\"DejaVu Sans\"", family);
  replace_all(svg, "font-family=\"DejaVu Sans:Bold\"", family + " font-weight=\"bold\"");
  return svg;
}

}  // namespace ifm
