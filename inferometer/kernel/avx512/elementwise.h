#pragma once

#include <cstdint>

namespace ifm::avx512 {

void swiglu(const float* gate, const float* up, int64_t k, float* out);

}  // namespace ifm::avx512
