#pragma once

#include "inferometer/kernel/kernels.h"

namespace ifm::neon {

/// Products of one and of two digits by decode's rounding; every token by itself, whatever others there are.
extern const ProductTable kDecodeProducts[2];
/// Products of one and of two digits by prefill's rounding, with sdot.
extern const ProductTable kPrefillProducts[2];

}  // namespace ifm::neon
