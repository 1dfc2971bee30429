#pragma once

#include <string>

#include "inferometer/analysis/study.h"

namespace ifm {

/// What `summary --json` prints: schemas/summary.schema.json; unknown = null; ends with a line feed.
[[nodiscard]] std::string summary_json(const Study& study);

}  // namespace ifm
