#include "inferometer/kernel/isa_sets.h"

namespace ifm {

const Kernels* avxvnni_kernels() { return nullptr; }
const Kernels* avxvnni_evex_kernels() { return nullptr; }

}  // namespace ifm
