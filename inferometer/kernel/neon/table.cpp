#include "inferometer/kernel/isa_sets.h"
#include "inferometer/kernel/neon/neon.h"

namespace ifm {
namespace neon {
namespace {

/// Without dot instructions integers are no faster than f32, so `fast` is `exact`.
ProductTable all_products() {
  ProductTable table = kIntegerProducts;
  for (std::size_t i = 0; i < kPackings; ++i) {
    if (table[i].multiply == nullptr) table[i] = kPlainProducts[i];
  }
  return table;
}

Kernels kernels() {
  const ProductTable products = all_products();
  return {.isa = "neon",
          .fast_decode = products,
          .fast_prefill = products,
          .exact_decode = products,
          .exact_prefill = products,
          .rms_norm = rms_norm,
          .rope = rope,
          .swiglu = swiglu,
          .add = add,
          .to_f16 = to_f16,
          .largest = largest,
          .exp_weights = exp_weights,
          .count_above = count_above,
          .sum_above = sum_above,
          .indices_within = indices_within,
          .attention = attention};
}

}  // namespace
}  // namespace neon

const Kernels* neon_kernels() {
  static const Kernels kKernels = neon::kernels();
  return &kKernels;
}

}  // namespace ifm
