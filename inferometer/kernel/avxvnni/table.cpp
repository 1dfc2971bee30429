#include "inferometer/kernel/avx2/avx2.h"
#include "inferometer/kernel/avx2/prefill.h"
#include "inferometer/kernel/avx2/records.h"
#include "inferometer/kernel/avx2/steps.h"
#include "inferometer/kernel/avxvnni/avxvnni.h"
#include "inferometer/kernel/isa_sets.h"
#include "inferometer/kernel/product_table.h"

#ifdef IFM_EVEX
#define IFM_TILE(name) ifm_avxvnni_evex_##name
#define IFM_SET avxvnni_evex_kernels
#else
#define IFM_TILE(name) ifm_avxvnni_##name
#define IFM_SET avxvnni_kernels
#endif

extern "C" {
IfmTile IFM_TILE(narrow), IFM_TILE(wide), IFM_TILE(wide_sixteens);
}

namespace ifm {
namespace IFM_VNNI {
namespace {

void prefill_narrow(const MatmulTask& task) { avx2::prefill_narrow_with(task, IFM_TILE(narrow)); }
void prefill_wide(const MatmulTask& task) { avx2::prefill_wide_with(task, IFM_TILE(wide), IFM_TILE(wide_sixteens)); }

using enum Packing;
constexpr std::initializer_list<Packing> kBlocks32{q4_0, q4_1, q5_0, q5_1};
constexpr ProductTable kDecode =
    with(with({}, {affine4}, {&avx2::kSplitRounding, decode_affine4}), kBlocks32, {&avx2::kBy16Rounding, decode_block32});
constexpr ProductTable kExactDecode = with(with({}, {affine4}, {&avx2::kSplitWordRounding, decode_affine4_words}), kBlocks32,
                                           {&avx2::kBy16WordRounding, decode_block32_words});
constexpr Product kWide{&avx2::kWideRounding, prefill_wide, kAllTokens};
constexpr ProductTable kExactPrefill = with({}, {affine4, affine8, q4_0, q4_1, q5_0, q5_1, q8_0, q4_k, q5_k, q6_k}, kWide);
/// 5-bit weights stay with the AVX2 tile, whose pairs they fit.
constexpr ProductTable kPrefill = with(
    with({}, {affine4, q4_0, q4_1, q4_k}, {&avx2::kNarrowRounding, prefill_narrow, kAllTokens}), {affine8, q8_0, q6_k}, kWide);

/// What this set does no better than AVX2's is left out.
constexpr Kernels kAvxVnni{
    .isa = "avxvnni",
    .fast_decode = kDecode,
    .fast_prefill = kPrefill,
    .exact_decode = kExactDecode,
    .exact_prefill = kExactPrefill,
};

}  // namespace
}  // namespace IFM_VNNI

const Kernels* IFM_SET() { return &IFM_VNNI::kAvxVnni; }

}  // namespace ifm
