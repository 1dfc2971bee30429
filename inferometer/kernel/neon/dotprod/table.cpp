#include "inferometer/kernel/isa_sets.h"
#include "inferometer/kernel/neon/dotprod/dotprod.h"

namespace ifm {

const Kernels* neon_dotprod_kernels() {
  static const Kernels kKernels{
      .isa = "neon_dotprod",
      .fast_decode = neon::kDecodeProducts[0],
      .fast_prefill = neon::kPrefillProducts[0],
      .exact_decode = neon::kDecodeProducts[1],
      .exact_prefill = neon::kPrefillProducts[1],
  };
  return &kKernels;
}

}  // namespace ifm
