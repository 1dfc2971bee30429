#pragma once

#include "inferometer/engine/engine.h"
#include "inferometer/record/plan.h"

namespace ifm {

/// What a plan says about an engine, as the engine's options. A cold run of an engine that would live in this process is made
/// in a fresh child process; the simulated engine simulates its load instead.
[[nodiscard]] EngineOptions engine_options_of(const PlanEngine& engine, Mode mode, const PlanTimeouts& timeouts);

}  // namespace ifm
