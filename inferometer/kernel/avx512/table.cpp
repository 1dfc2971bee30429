#include "inferometer/kernel/avx512/attention.h"
#include "inferometer/kernel/avx512/block_shifts.h"
#include "inferometer/kernel/avx512/decode.h"
#include "inferometer/kernel/avx512/digit_records.h"
#include "inferometer/kernel/avx512/digits.h"
#include "inferometer/kernel/avx512/elementwise.h"
#include "inferometer/kernel/avx512/lane_shifts.h"
#include "inferometer/kernel/avx512/lane_steps.h"
#include "inferometer/kernel/avx512/plain.h"
#include "inferometer/kernel/avx512/prefill.h"
#include "inferometer/kernel/avx512/quads.h"
#include "inferometer/kernel/avx512/shifts.h"
#include "inferometer/kernel/isa_sets.h"
#include "inferometer/kernel/product_table.h"

namespace ifm {
namespace avx512 {
namespace {

constexpr ProductTable kExactDecode = []() consteval {
  ProductTable table = with({}, {Packing::affine4}, {&kDigits, decode_exact_affine4});
  table = with(table, {Packing::affine8}, {&kInt16Lanes, decode_exact_affine8});
  table = with(table, {Packing::q4_0}, {&kDigitsOfHalves, decode_exact_q4_0});
  table = with(table, {Packing::q4_1}, {&kDigitsOfHalves, decode_exact_q4_1});
  table = with(table, {Packing::q5_0}, {&kInt16Lanes, decode_exact_q5_0});
  table = with(table, {Packing::q5_1}, {&kInt16Lanes, decode_exact_q5_1});
  table = with(table, {Packing::q8_0}, {&kInt16Lanes, decode_exact_q8_0});
  table = with(table, {Packing::q4_k}, {&kInt16Lanes, decode_exact_q4_k});
  table = with(table, {Packing::q5_k}, {&kInt16Lanes, decode_exact_q5_k});
  return with(table, {Packing::q6_k}, {&kInt16Lanes, decode_exact_q6_k});
}
();

constexpr ProductTable kDecode = []() consteval {
  ProductTable table = with(kExactDecode, {Packing::affine4}, {&kLaneShifts, decode_affine4});
  table = with(table, {Packing::q4_0}, {&kLaneShiftsOfHalves, decode_q4_0});
  table = with(table, {Packing::q4_1}, {&kLaneShiftsOfHalves, decode_q4_1});
  table = with(table, {Packing::affine8}, {&kQuads, decode_affine8});
  table = with(table, {Packing::q8_0}, {&kQuads, decode_q8_0});
  table = with(table, {Packing::q4_k}, {&kEights32Apart, decode_q4_k});
  table = with(table, {Packing::q5_k}, {&kEights32Apart, decode_q5_k});
  return with(table, {Packing::q6_k}, {&kEights64Apart, decode_q6_k});
}
();

/// Floats are multiplied as they are.
consteval ProductTable with_plain_decode(ProductTable table) {
  table = with(table, {Packing::f32}, {nullptr, decode_plain<Packing::f32>});
  table = with(table, {Packing::f16}, {nullptr, decode_plain<Packing::f16>});
  return with(table, {Packing::bf16}, {nullptr, decode_plain<Packing::bf16>});
}
consteval ProductTable with_plain_prefill(ProductTable table) {
  table = with(table, {Packing::f32}, {nullptr, prefill_plain<Packing::f32>, kAllTokens});
  table = with(table, {Packing::f16}, {nullptr, prefill_plain<Packing::f16>, kAllTokens});
  return with(table, {Packing::bf16}, {nullptr, prefill_plain<Packing::bf16>, kAllTokens});
}

template <Packing packing>
consteval ProductTable add(ProductTable table, const Rounding& rounding, bool exact) {
  return with(table, {packing}, {&rounding, exact ? prefill_exact<packing> : prefill<packing>, kAllTokens});
}

constexpr ProductTable kPrefill = []() consteval {
  ProductTable table = add<Packing::affine4>({}, kShifts14Zero8Split, false);
  table = add<Packing::q4_0>(table, kShifts14Zero8, false);
  table = add<Packing::q4_1>(table, kShifts14Zero8, false);
  table = add<Packing::q4_k>(table, kShifts14Zero8, false);
  table = add<Packing::q5_0>(table, kShifts14Zero16, false);
  table = add<Packing::q5_1>(table, kShifts14Zero16, false);
  table = add<Packing::q5_k>(table, kShifts14Zero16, false);
  table = add<Packing::q6_k>(table, kShifts14Zero32, false);
  table = add<Packing::q8_0>(table, kShifts10Zero128, false);
  return add<Packing::affine8>(table, kShifts10Zero128, false);
}
();

constexpr ProductTable kExactPrefill = []() consteval {
  ProductTable table = add<Packing::affine4>({}, kInt16Zero8Split, true);
  table = add<Packing::q4_0>(table, kInt16Zero8, true);
  table = add<Packing::q4_1>(table, kInt16Zero8, true);
  table = add<Packing::q4_k>(table, kInt16Zero8, true);
  table = add<Packing::q5_0>(table, kInt16Zero16, true);
  table = add<Packing::q5_1>(table, kInt16Zero16, true);
  table = add<Packing::q5_k>(table, kInt16Zero16, true);
  table = add<Packing::q6_k>(table, kInt16Zero32, true);
  table = add<Packing::q8_0>(table, kInt16Zero128, true);
  return add<Packing::affine8>(table, kInt16Zero128, true);
}
();

/// What this set does no better than the next one is left out.
constexpr Kernels kAvx512{
    .isa = "avx512",
    .fast_decode = with_plain_decode(kDecode),
    .fast_prefill = with_plain_prefill(kPrefill),
    .exact_decode = with_plain_decode(kExactDecode),
    .exact_prefill = with_plain_prefill(kExactPrefill),
    .swiglu = swiglu,
    .attention = attention,
};

}  // namespace
}  // namespace avx512

const Kernels* avx512_kernels() { return &avx512::kAvx512; }

}  // namespace ifm
