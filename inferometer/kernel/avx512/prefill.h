#pragma once

#include "inferometer/kernel/kernels.h"

namespace ifm::avx512 {

/// Products of many tokens with inputs of kShifts… and, exact, of kInt16…, for every packing but the plain ones.
template <Packing packing>
void prefill(const MatmulTask& task);
template <Packing packing>
void prefill_exact(const MatmulTask& task);

}  // namespace ifm::avx512
