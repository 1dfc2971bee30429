#pragma once

#include "inferometer/kernel/kernels.h"

namespace ifm::avx512 {

/// Products of one token or a few. 4-bit weights in place: fast ones with int8 inputs, affine4 with kLaneShifts, Q4_0 and Q4_1
/// with kLaneShiftsOfHalves, and exact ones with inputs of two digits, kDigits and kDigitsOfHalves. The others are unpacked in
/// registers and have exact products only, with kInt16Lanes.
using Decode = void(const MatmulTask& task);
Decode decode_affine4, decode_q4_0, decode_q4_1, decode_exact_affine4, decode_exact_q4_0, decode_exact_q4_1;
Decode decode_affine8, decode_q5_0, decode_q5_1, decode_q8_0, decode_q4_k, decode_q5_k, decode_q6_k;

}  // namespace ifm::avx512
