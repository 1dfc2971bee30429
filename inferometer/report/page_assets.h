#pragma once

#include <string_view>

namespace ifm {

/// page.css and page.js of this folder.
[[nodiscard]] std::string_view page_css();
[[nodiscard]] std::string_view page_js();

}  // namespace ifm
