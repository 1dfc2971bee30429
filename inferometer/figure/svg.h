#pragma once

#include <string>
#include <string_view>

namespace ifm {

/// An SVG file by gnuplot as an element of an HTML page: without prologue and size, named `title` for screen readers, with ids
/// that begin with `name` so that no two drawings of a page share one, and without gnuplot's empty groups.
/// @throws Error invalid_data when there is no <svg> with a viewBox.
[[nodiscard]] std::string inline_svg(std::string_view svg, const std::string& name, const std::string& title);

/// An SVG by gnuplot with the fonts that stand in where DejaVu Sans is missing.
[[nodiscard]] std::string with_font_fallbacks(std::string svg);

}  // namespace ifm
