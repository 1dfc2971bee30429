#pragma once

#include <string>

#include "inferometer/analysis/study.h"

namespace ifm {

/// What the session asks, from its plan: "How fast does … answer on this machine, and what do … change?"
[[nodiscard]] std::string question_of(const Study& study);

/// The first section of a page: the main numbers with their intervals, and the verdicts.
[[nodiscard]] std::string in_short_html(const Study& study);

}  // namespace ifm
