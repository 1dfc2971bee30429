#pragma once

#include <optional>
#include <span>

#include "inferometer/stats/interval.h"

namespace ifm::stats {

/// Interval of mean(b) − mean(a) of two independent samples whose variances may differ, by t with Welch's degrees of freedom.
/// Null where either has fewer than 2 values or neither has any spread. Source: Welch 1947, Biometrika 34, 28-35.
[[nodiscard]] std::optional<Interval> welch_interval(std::span<const double> a, std::span<const double> b, double level = 0.95);

}  // namespace ifm::stats
