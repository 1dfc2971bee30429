#pragma once

#include "inferometer/machine/run_counters.h"
#include "inferometer/machine/system.h"
#include "inferometer/record/run.h"

namespace ifm {

/// What a run used, from the counters before and after it and the machine's state at its end. Null where a reading lacks
/// something, or where a counter has become smaller.
[[nodiscard]] RunResources resources_between(const RunCounters& before, const RunCounters& after, const MachineState& at_end);

}  // namespace ifm
