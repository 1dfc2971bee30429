#pragma once

#include "inferometer/kernel/kernels.h"

namespace ifm::avx512 {

/// Products of one token or a few. Fast ones have int8 inputs: affine4 those of kLaneShifts, Q4_0 and Q4_1 kLaneShiftsOfHalves,
/// 8-bit weights kQuads, Q4_K and Q5_K kEights32Apart, Q6_K kEights64Apart. Exact ones have inputs of two digits: affine4 those
/// of kDigits, Q4_0 and Q4_1 kDigitsOfHalves, the others kInt16Lanes.
using Decode = void(const MatmulTask& task);
Decode decode_affine4, decode_affine8, decode_q4_0, decode_q4_1, decode_q8_0, decode_q4_k, decode_q5_k, decode_q6_k;
Decode decode_exact_affine4, decode_exact_affine8, decode_exact_q4_0, decode_exact_q4_1, decode_exact_q5_0, decode_exact_q5_1,
    decode_exact_q8_0, decode_exact_q4_k, decode_exact_q5_k, decode_exact_q6_k;

}  // namespace ifm::avx512
