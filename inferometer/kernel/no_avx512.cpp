#include "inferometer/kernel/isa_sets.h"

namespace ifm {

const Kernels* avx512_kernels() { return nullptr; }

}  // namespace ifm
