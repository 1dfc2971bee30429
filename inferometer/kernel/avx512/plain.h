#pragma once

#include "inferometer/kernel/kernels.h"

namespace ifm::avx512 {

/// Products of weights that are floats, with inputs as they are: sums in f32. Exact.
template <Packing packing>
void decode_plain(const MatmulTask& task);
/// task.scratch holds a panel of 32 rows and a sum for each of them and every token.
template <Packing packing>
void prefill_plain(const MatmulTask& task);

}  // namespace ifm::avx512
