#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "inferometer/analysis/study.h"

namespace ifm {

/// Bytes of a page that tokens' times and answers of single runs may take.
inline constexpr std::size_t kDetailBytes = 6'000'000;

/// The section "Runs" of a page: a table of single runs and their answers that needs no script, and all of `runs` as data, from
/// which the page's script makes a table to choose from, with a timeline of the chosen run's tokens. Answers are made harmless
/// (escape_html_lines). Where all would take more than `detail_bytes`, tokens and answers of evenly spaced runs are kept, and
/// those of failed and flagged ones first.
[[nodiscard]] std::string runs_section(const Study& study, const std::vector<Run>& runs, std::size_t detail_bytes = kDetailBytes);

}  // namespace ifm
