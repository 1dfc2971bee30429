#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "inferometer/record/run.h"

namespace ifm {

/// A metric of a run by the name that a plan gives it.
struct PlanMetric {
  std::string_view name;
  std::optional<double> RunMetrics::*value;
};
/// What a plan may stop on.
inline constexpr std::array<PlanMetric, 5> kStopMetrics{{{"latency", &RunMetrics::e2e_s},
                                                         {"ttft", &RunMetrics::ttft_s},
                                                         {"tpot", &RunMetrics::tpot_s},
                                                         {"decode", &RunMetrics::decode_tok_per_s},
                                                         {"throughput", &RunMetrics::output_tok_per_s}}};

}  // namespace ifm
