#pragma once

#include "inferometer/kernel/kernels.h"

namespace ifm::avx512 {

void attention(const AttentionTask& task);

}  // namespace ifm::avx512
