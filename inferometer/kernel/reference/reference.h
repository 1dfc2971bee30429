#pragma once

#include "inferometer/kernel/kernels.h"

namespace ifm::reference {

void quantize(const float* x, int64_t n, int64_t k, const QuantizeTarget& target);
void matmul_fast(const MatmulTask& task);
void matmul_exact(const MatmulTask& task);
void attention(const AttentionTask& task);

}  // namespace ifm::reference
