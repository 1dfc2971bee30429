#pragma once

#include "inferometer/kernel/kernels.h"

namespace ifm::avx512 {

/// Products of one token or a few with inputs of two digits: affine4 with kDigits, Q4_0 and Q4_1 with
/// kDigitsOfHalves, the others with kInt16Lanes. Exact.
using Decode = void(const MatmulTask& task);
Decode decode_affine4, decode_affine8, decode_q4_0, decode_q4_1, decode_q5_0, decode_q5_1, decode_q8_0, decode_q4_k, decode_q5_k,
    decode_q6_k;

}  // namespace ifm::avx512
