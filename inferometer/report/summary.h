#pragma once

#include <string>

#include "inferometer/analysis/study.h"
#include "inferometer/render/document.h"

namespace ifm {

/// What `summary` says, from set-up to reservations.
[[nodiscard]] Document summary_document(const Study& study);
/// The same for a terminal.
[[nodiscard]] std::string summary_text(const Study& study, const TextStyle& style = {});

}  // namespace ifm
