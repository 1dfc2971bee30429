#include "inferometer/kernel/isa_sets.h"

namespace ifm {

const Kernels* neon_kernels() { return nullptr; }
const Kernels* neon_dotprod_kernels() { return nullptr; }
const Kernels* neon_i8mm_kernels() { return nullptr; }

}  // namespace ifm
