#include "inferometer/report/page.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "inferometer/base/sha256.h"
#include "inferometer/figure/svg.h"
#include "inferometer/render/escape.h"
#include "inferometer/render/html.h"
#include "inferometer/render/metric_info.h"
#include "inferometer/report/assets.h"
#include "inferometer/report/comparison.h"
#include "inferometer/report/in_short.h"
#include "inferometer/report/method_section.h"
#include "inferometer/report/reproducibility_md.h"
#include "inferometer/report/run_explorer.h"
#include "inferometer/report/sections.h"
#include "inferometer/report/study_document.h"

namespace ifm {
namespace {

int hexadecimal(char c) { return c <= '9' ? c - '0' : c - 'a' + 10; }

/// A digest in hexadecimal as base64. Source: RFC 4648, section 4.
std::string base64_of_hex(std::string_view hex) {
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  unsigned bits = 0;
  int held = 0;
  for (const char c : hex) {
    bits = bits << 4 | static_cast<unsigned>(hexadecimal(c));
    held += 4;
    if (held < 6) continue;
    held -= 6;
    out += kLetters[bits >> held & 63];
  }
  if (held > 0) out += kLetters[bits << (6 - held) & 63];
  while (out.size() % 4 != 0) out += '=';
  return out;
}

/// Bytes in a data: address; letters and digits as they are. Source: RFC 2397, RFC 3986.
std::string percent_encoded(std::string_view bytes) {
  constexpr std::string_view kPlain = "-._~,:;/@!$()*+";
  std::string out;
  out.reserve(bytes.size() * 5 / 4);
  for (const char c : bytes) {
    const bool plain =
        (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || kPlain.find(c) != std::string::npos;
    if (plain) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

std::string table_name(const ReportFile& file) { return file.path.substr(file.path.rfind('/') + 1); }

Pictures pictures_of(const PageParts& parts) {
  Pictures pictures;
  for (const Figure& figure : parts.figures) {
    const auto drawing = parts.drawings.find(figure.name);
    if (drawing == parts.drawings.end()) continue;
    Picture& picture = pictures[figure_file(figure)];
    picture.svg = inline_svg(drawing->second, figure.name, figure.title);
    for (const std::string& name : figure.data) {
      const auto has = [&name](const ReportFile& file) { return table_name(file) == name; };
      if (std::any_of(parts.tables.begin(), parts.tables.end(), has)) picture.data.push_back(name);
    }
  }
  return pictures;
}

/// What `compare` says of the session's pairs, under a heading of the page, with its figure.
Document comparison_section(const PageParts& parts) {
  if (!parts.comparison) return {};
  Document document = comparison_document(*parts.comparison);
  document.front() = Heading{"Comparison: " + comparison_verdict(*parts.comparison), ""};
  for (const Figure& figure : parts.figures) {
    if (figure.name == forest_figure(*parts.comparison).name) document.emplace_back(Image{figure_file(figure), figure.title});
  }
  return document;
}

std::string data_section(const PageParts& parts) {
  std::string body =
      "<p>The tables behind the figures and tables of this page, unrounded, as CSV files inside the page:</p>\n<ul>\n";
  for (const ReportFile& file : parts.tables) {
    const std::string name = table_name(file);
    body += fmt::format("<li><a id=\"{}\" download=\"{}\" href=\"data:text/csv;charset=utf-8,{}\">{}</a></li>\n", data_id(name),
                        escape_html(name), percent_encoded(file.bytes), escape_html(name));
  }
  body +=
      "</ul>\n<p>Every run with each token's time is in inferometer.db, beside this page; everything else is made from it.</p>\n";
  return html_section({"Data", ""}, body);
}

/// Links to the sections of a page.
std::string navigation(const std::string& body) {
  std::string out = "<nav aria-label=\"Sections\"><ul>\n";
  const std::string_view begin = "<h2 id=\"";
  for (size_t at = body.find(begin); at != std::string::npos; at = body.find(begin, at + 1)) {
    const size_t id = at + begin.size();
    const size_t id_end = body.find("-title\"", id);
    const size_t text = body.find('>', id_end) + 1;
    out += fmt::format("<li><a href=\"#{}\">{}</a></li>\n", body.substr(id, id_end - id),
                       body.substr(text, body.find("</h2>", text) - text));
  }
  return out + "</ul></nav>\n";
}

std::string head(const Study& study) {
  const std::string policy =
      fmt::format("default-src 'none'; style-src 'unsafe-inline'; script-src {}; base-uri 'none'; form-action 'none'",
                  script_source(page_js()));
  return fmt::format(
      "<head>\n<meta charset=\"utf-8\">\n<meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"generator\" content=\"Inferometer "
      "{}\">\n"
      "<title>{} · session {} · Inferometer</title>\n<style>\n{}</style>\n</head>\n",
      policy, escape_html(study.session.environment.inferometer_version), escape_html(study.session.plan.name), study.session.id,
      page_css());
}

}  // namespace

std::string script_source(std::string_view script) { return fmt::format("'sha256-{}'", base64_of_hex(sha256_of(script))); }

const Run* typical_run(const Study& study, const std::vector<Run>& runs) {
  std::vector<std::pair<double, const Run*>> candidates;
  int longest = 0;
  for (const Run& run : runs) {
    if (!is_timed(run) || !run.metrics.e2e_s || run.stamps.offset_ns.size() < 2 || series_of(study, run) != size_t{0}) continue;
    longest = std::max(longest, run.max_tokens);
    candidates.emplace_back(*run.metrics.e2e_s, &run);
  }
  std::erase_if(candidates, [longest](const auto& candidate) { return candidate.second->max_tokens != longest; });
  if (candidates.empty()) return nullptr;
  const auto middle = candidates.begin() + static_cast<std::ptrdiff_t>((candidates.size() - 1) / 2);
  std::nth_element(candidates.begin(), middle, candidates.end());
  return middle->second;
}

std::string report_page(const Study& study, const PageParts& parts) {
  const Pictures pictures = pictures_of(parts);
  const std::string main =
      in_short_html(study) +
      render_html(concatenated({comparison_section(parts), setup_section(study), study_document(study, parts.figures)}),
                  pictures) +
      runs_section(study, parts.runs) +
      render_html(concatenated({method_section(study), limits_section(study), repeat_document(study)}), pictures) +
      data_section(parts);
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n{}<body>\n<a class=\"skip\" href=\"#in-short\">Skip to the results</a>\n<div "
      "class=\"top\">\n{}"
      "</div>\n{}<main>\n<p class=\"question\">{}</p>\n{}</main>\n<footer>Made by Inferometer {} from session {} of "
      "inferometer.db.</footer>\n"
      "<script>{}</script>\n</body>\n</html>\n",
      head(study), render_html(title_section(study), pictures), navigation(main), escape_html(question_of(study)), main,
      escape_html(study.session.environment.inferometer_version), study.session.id, page_js());
}

}  // namespace ifm
