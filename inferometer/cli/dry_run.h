#pragma once

#include "inferometer/measure/runner.h"
#include "inferometer/record/plan.h"

namespace ifm {

/// Prints a plan's cells and how long its runs are expected to take: from the engine's timing where it is simulated, otherwise
/// from what the model must read and multiply and what this machine was just measured to do. Runs nothing.
/// @throws Error as the engines' load().
void print_dry_run(const Plan& plan, const ModelResolver& resolve, const EngineFactory& make_engine);

}  // namespace ifm
