#pragma once

#include <cstdint>
#include <optional>

#include "inferometer/record/run.h"

namespace ifm {

/// The events of a run that held at least one generated token.
[[nodiscard]] TokenStamps token_events(const TokenStamps& stamps);

/// METHOD's numbers of one run from its stamps and counts. A failed run, a disputed count or N too small give nulls.
[[nodiscard]] RunMetrics metrics_of(const Run& run);

/// The shortest time between two of a run's token events, ns; null with fewer than two.
[[nodiscard]] std::optional<int64_t> smallest_gap_ns(const Run& run);

}  // namespace ifm
