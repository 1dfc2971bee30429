#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "inferometer/figure/figures.h"

namespace ifm {

/// @throws Error not_found without gnuplot.
void check_gnuplot();

/// Draws a figure by gnuplot. @throws Error not_found without gnuplot; io when it cannot draw it.
[[nodiscard]] std::string draw_svg(const Figure& figure);
void draw_png(const Figure& figure, const std::filesystem::path& file, FigureFormat format = FigureFormat::png);

/// draw_svg() of each figure, several at a time; by the figure's name. @throws as draw_svg.
[[nodiscard]] std::map<std::string, std::string> draw_svgs(const std::vector<Figure>& figures);

}  // namespace ifm
