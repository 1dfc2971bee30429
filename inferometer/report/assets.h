#pragma once

#include <string_view>

namespace ifm {

/// The files page.css, page.js and paper.css of this folder.
[[nodiscard]] std::string_view page_css();
[[nodiscard]] std::string_view page_js();
[[nodiscard]] std::string_view paper_css();

}  // namespace ifm
