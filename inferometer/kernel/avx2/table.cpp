#include "inferometer/kernel/avx2/avx2.h"
#include "inferometer/kernel/avx2/records.h"
#include "inferometer/kernel/avx2/steps.h"
#include "inferometer/kernel/isa_sets.h"
#include "inferometer/kernel/product_table.h"

namespace ifm {
namespace avx2 {
namespace {

using enum Packing;
constexpr std::initializer_list<Packing> kBlocks32{q4_0, q4_1, q5_0, q5_1};
constexpr std::initializer_list<Packing> kBlocks256{q4_k, q5_k, q6_k};

// Plain packings round nothing. 8-bit weights cost no more with inputs of 16 bits than with inputs of 8.
constexpr ProductTable kPlain = same_for_all({nullptr, matmul_exact});
constexpr ProductTable kBytes = with(kPlain, {affine8, q8_0}, {&kWordRounding, decode_bytes});
constexpr ProductTable kFastDecode =
    with(with(with(kBytes, {affine4}, {&kSplitRounding, decode_affine4}), kBlocks32, {&kBy16Rounding, decode_block32}),
         kBlocks256, {&kBy32Rounding, decode_block256});
constexpr ProductTable kExactDecode = with(with(with(kBytes, {affine4}, {&kSplitWordRounding, decode_affine4_words}), kBlocks32,
                                                {&kBy16WordRounding, decode_block32_words}),
                                           kBlocks256, {&kBy32WordRounding, decode_block256_words});
constexpr ProductTable kExactPrefill =
    with(kPlain, {affine4, affine8, q4_0, q4_1, q5_0, q5_1, q8_0, q4_k, q5_k, q6_k}, {&kWideRounding, prefill_wide, kAllTokens});
constexpr ProductTable kFastPrefill =
    with(kExactPrefill, {affine4, q4_0, q4_1, q5_0, q5_1, q4_k, q5_k}, {&kNarrowRounding, prefill_narrow, kAllTokens});

constexpr Kernels kAvx2{
    .isa = "avx2",
    .fast_decode = kFastDecode,
    .fast_prefill = kFastPrefill,
    .exact_decode = kExactDecode,
    .exact_prefill = kExactPrefill,
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
