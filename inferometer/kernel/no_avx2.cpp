#include "inferometer/kernel/isa_sets.h"

namespace ifm {

const Kernels* avx2_kernels() { return nullptr; }

}  // namespace ifm
