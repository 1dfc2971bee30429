#pragma once

#include <string>
#include <vector>

#include "inferometer/record/plan.h"
#include "inferometer/record/plan_reader.h"

namespace ifm {

/// A plan's list of engines, each with its id. @throws Error usage as PlanReader.
[[nodiscard]] std::vector<PlanEngine> read_plan_engines(const PlanReader& reader, const PlanField& list);

/// One engine as a plan writes it, from an option of the command line: "llama_cpp", "{embedded: {accuracy: exact}}". `option`:
/// its name for messages. @throws Error usage.
[[nodiscard]] PlanEngine parse_engine(const std::string& text, const std::string& option);

}  // namespace ifm
