#pragma once

#include <cstddef>
#include <cstdint>

#include "inferometer/kernel/kernels.h"

namespace ifm::avx512 {

/// Inputs as int8 with a power-of-two shift per 16 values and one f32 base per token: x ~ base * (q << shift). Tokens come in
/// blocks of 4, values in records of 64 (the last one filled up with zeros), records in spans that a panel holds at a time.
/// Order: (spans, blocks, records of a span), each record kRecordBytes:
///   0: (16 quads, 4 tokens, 4 values) s8 · 256: shifts (4 subgroups, 4 tokens) i32 · 320: starts, minus the weights' zero times
///   the subgroup's sum of q, alike · 384: (4 tokens) pairs of bf16 sums of q << shift, of the two halves · 400: the same of this
///   record and the next, valid in every second record of a span. Behind all records: bases (tokens) f32.
inline constexpr int64_t kRecordBytes = 416;
inline constexpr int64_t kRecordValues = 64;
/// A panel's span has at most this many records.
inline constexpr int64_t kSpanRecords = 9;

/// How k values are cut into records and spans.
struct SpanCut {
  int64_t records = 0;
  int64_t spans = 0;
  /// First record of a span; of `spans`: records.
  [[nodiscard]] int64_t begin(int64_t span) const { return records * span / spans; }
};
[[nodiscard]] SpanCut cut_into_spans(int64_t k);

/// What products read.
[[nodiscard]] const std::byte* records_of(const Activations& x, const SpanCut& cut, int64_t span, int64_t block);
[[nodiscard]] const float* bases_of(const Activations& x, const SpanCut& cut);

/// "shifts14": shifts of 0 … 14, for weights of up to 6 bits; the weights' zero is 8, 16 or 32. `split`: of each 8 values the
/// even ones, then the odd ones, as MLX nibbles lie; else in order.
extern const Rounding kShifts14Zero8Split, kShifts14Zero8, kShifts14Zero16, kShifts14Zero32;
/// "shifts10": shifts of 0 … 10, for 8-bit weights with the zero 128.
extern const Rounding kShifts10Zero128;

}  // namespace ifm::avx512
