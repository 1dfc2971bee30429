#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "inferometer/render/document.h"

namespace ifm {

/// A drawing for an Image of a page.
struct Picture {
  std::string svg;                ///< an element with a title of its own, by inline_svg()
  std::vector<std::string> data;  ///< names of the page's tables that hold what it shows
};
/// By Image::file.
using Pictures = std::map<std::string, Picture>;

/// A document as a part of an HTML page: a Title is its header; each Heading opens a section with heading_id() as its id. An
/// Image whose file is not among `pictures` is left out. All text is escaped.
[[nodiscard]] std::string render_html(const Document& document, const Pictures& pictures);

/// A section of a page with this heading, around HTML that is there.
[[nodiscard]] std::string html_section(const Heading& heading, const std::string& body);

/// The id of a heading's section: "By output length" gives "by-output-length".
[[nodiscard]] std::string heading_id(std::string_view heading);

/// The id of the link to a table's data: "runs.csv" gives "data-runs-csv".
[[nodiscard]] std::string data_id(std::string_view table);

}  // namespace ifm
