#pragma once

#include "inferometer/kernel/kernels.h"

namespace ifm::avx512 {

void decode_affine4(const MatmulTask& task);

}  // namespace ifm::avx512
