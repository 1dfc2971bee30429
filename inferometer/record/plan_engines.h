#pragma once

#include <vector>

#include "inferometer/record/plan.h"
#include "inferometer/record/plan_reader.h"

namespace ifm {

/// A plan's list of engines, each with its id. @throws Error usage as PlanReader.
[[nodiscard]] std::vector<PlanEngine> read_plan_engines(const PlanReader& reader, const PlanField& list);

}  // namespace ifm
