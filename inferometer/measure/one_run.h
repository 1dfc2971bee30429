#pragma once

#include <cstdint>

#include "inferometer/base/clock.h"
#include "inferometer/engine/engine.h"
#include "inferometer/record/plan.h"
#include "inferometer/record/run.h"

namespace ifm {

/// The moment that a session's times count from, on its clock.
struct SessionOrigin {
  int64_t ns = 0;
};

/// The request that a run makes: the plan's sampling, the cell's length and temperature, the run's seed.
[[nodiscard]] Request request_of(const Plan& plan, const Cell& cell, uint64_t seed);

/// Does one request on a loaded model and writes down into `run` what came, on the laboratory's clock, and the engine's own
/// account; then checks both. `run.start_ns` is taken here, right before the text is handed over, unless `start` says that it
/// was taken before the process was spawned. An Error of the engine makes a failed run and is not thrown.
enum class RunStart { now, before_load };
void perform(Run& run, RunStart start, Model& model, const Request& request, const PlanTimeouts& timeouts, Clock& clock,
             SessionOrigin origin);

/// Marks a run as failed, for this reason.
void set_failed(Run& run, const std::string& kind, const std::string& message);

}  // namespace ifm
