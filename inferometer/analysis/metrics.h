#pragma once

#include "inferometer/record/run.h"

namespace ifm {

/// METHOD's numbers of one run from its stamps and counts. A failed run, a disputed count or N too small give nulls.
[[nodiscard]] RunMetrics metrics_of(const Run& run);

}  // namespace ifm
