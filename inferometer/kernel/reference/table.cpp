#include "inferometer/kernel/eights.h"
#include "inferometer/kernel/isa_sets.h"
#include "inferometer/kernel/product_table.h"
#include "inferometer/kernel/reference/reference.h"

namespace ifm {
namespace reference {
namespace {

constexpr Rounding kEights{"eights", eights_bytes, round_eights};

constexpr ProductTable kExact = same_for_all({nullptr, matmul_exact});

constexpr ProductTable kFast =
    with(same_for_all({&kEights, matmul_fast}), {Packing::f32, Packing::f16, Packing::bf16}, {nullptr, matmul_exact});

constexpr Kernels kReference{
    .isa = "reference",
    .fast_decode = kFast,
    .fast_prefill = kFast,
    .exact_decode = kExact,
    .exact_prefill = kExact,
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
    .attention = attention,
};

}  // namespace
}  // namespace reference

const Kernels& reference_kernels() { return reference::kReference; }

}  // namespace ifm
