#include "inferometer/kernel/avx2/avx2.h"
#include "inferometer/kernel/eights.h"
#include "inferometer/kernel/isa_sets.h"
#include "inferometer/kernel/product_table.h"

namespace ifm {
namespace avx2 {
namespace {

constexpr Rounding kLinear{"eights", eights_bytes, round_linear};
constexpr Rounding kSplit{"eights", eights_bytes, round_split};

constexpr ProductTable kExact = same_for_all({nullptr, matmul_exact});

constexpr ProductTable kUnsigned =
    with(kExact, {Packing::q4_0, Packing::q4_1, Packing::q5_0, Packing::q5_1, Packing::q4_k, Packing::q5_k},
         {&kLinear, matmul_unsigned});
constexpr ProductTable kSigned = with(kUnsigned, {Packing::affine8, Packing::q8_0, Packing::q6_k}, {&kLinear, matmul_signed});
constexpr ProductTable kFast = with(kSigned, {Packing::affine4}, {&kSplit, matmul_affine4});

constexpr Kernels kAvx2{
    .isa = "avx2",
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
}  // namespace avx2

const Kernels* avx2_kernels() { return &avx2::kAvx2; }

}  // namespace ifm
