#pragma once

#include <optional>

#include "inferometer/engine/engine.h"
#include "inferometer/record/plan.h"

namespace ifm {

/// What the machine can do, as measured.
struct MachineLimits {
  double read_gb_per_s = 0;
  double int8_gmac_per_s = 0;
};

/// Time of one run on the simulated engine: what its timing says without its spread.
[[nodiscard]] double estimate_simulated_s(const PlanEngine& engine, const Cell& cell);

/// Time of one warm run from what must be read and multiplied: the prompt at half of the int8 peak, each further token at four
/// fifths of the read bandwidth. Null when the model does not say what it reads. An expectation to plan by, not a result.
[[nodiscard]] std::optional<double> estimate_run_s(const ModelInfo& model, const MachineLimits& limits, int prompt_tokens,
                                                   int max_tokens);

}  // namespace ifm
