#pragma once

#include "inferometer/kernel/kernels.h"

namespace ifm::reference {

void round_eights(const float* x, int64_t n, int64_t k, int64_t begin, int64_t end, std::byte* out);
void matmul_fast(const MatmulTask& task);
void matmul_exact(const MatmulTask& task);
void attention(const AttentionTask& task);

}  // namespace ifm::reference
