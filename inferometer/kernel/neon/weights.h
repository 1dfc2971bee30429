#pragma once

#include "inferometer/kernel/kernels.h"
#include "inferometer/kernel/neon/vector.h"

namespace ifm::neon {

/// 32 weights of a row as signed bytes, in order: w = scale * q + bias, with affine8's q less 128.
struct Chunk {
  int8x16_t first, second;
};

static inline Chunk low_and_high_nibbles(uint8x16_t pairs) {
  return {vreinterpretq_s8_u8(vandq_u8(pairs, vdupq_n_u8(15))), vreinterpretq_s8_u8(vshrq_n_u8(pairs, 4))};
}

/// Chunk c of a Q6_K row. A super-block is ql[128], qh[64], int8 scales[16], f16 d. For each half of 128 values, values l, l +
/// 32, l + 64, l + 96 share ql[l], ql[l + 32] (low, low, high, high nibble) and the four bit pairs of qh[l].
static inline Chunk q6_k_chunk(const uint8_t* row, int64_t c) {
  const uint8_t* block = row + c / 8 * 210;
  const int64_t half = c % 8 / 4;
  const int64_t quarter = c % 4;
  const uint8_t* low = block + 64 * half + 32 * (quarter % 2);
  const uint8_t* high = block + 128 + 32 * half;
  const int8x16_t nibble_shift = vdupq_n_s8(quarter < 2 ? 0 : -4);
  const int8x16_t pair_shift = vdupq_n_s8(static_cast<int8_t>(4 - 2 * quarter));
  int8x16_t q[2];
  for (int64_t i = 0; i < 2; ++i) {
    const uint8x16_t bits = vandq_u8(vshlq_u8(vld1q_u8(low + 16 * i), nibble_shift), vdupq_n_u8(15));
    const uint8x16_t top = vandq_u8(vshlq_u8(vld1q_u8(high + 16 * i), pair_shift), vdupq_n_u8(0x30));
    q[i] = vsubq_s8(vreinterpretq_s8_u8(vorrq_u8(bits, top)), vdupq_n_s8(32));
  }
  return {q[0], q[1]};
}

/// Bit j of 32 as the fifth bit of byte j.
static inline Chunk with_fifth_bits(const Chunk& q, const uint8_t* bits) {
  const uint8x16_t places = vreinterpretq_u8_u64(vdupq_n_u64(0x8040201008040201U));
  const uint8x16_t sixteen = vdupq_n_u8(16);
  const uint8x16_t first = vandq_u8(vtstq_u8(vcombine_u8(vdup_n_u8(bits[0]), vdup_n_u8(bits[1])), places), sixteen);
  const uint8x16_t second = vandq_u8(vtstq_u8(vcombine_u8(vdup_n_u8(bits[2]), vdup_n_u8(bits[3])), places), sixteen);
  return {vorrq_s8(q.first, vreinterpretq_s8_u8(first)), vorrq_s8(q.second, vreinterpretq_s8_u8(second))};
}

static inline Chunk less(const Chunk& q, int8_t centre) {
  return {vsubq_s8(q.first, vdupq_n_s8(centre)), vsubq_s8(q.second, vdupq_n_s8(centre))};
}

/// Chunk c of a Q4_K row, or of Q5_K with `fifth` bits: byte l of each 32 holds weight l of an even sub-block and of the next
/// one.
static inline Chunk q45_k_chunk(const uint8_t* row, int64_t c, bool fifth) {
  const uint8_t* block = row + c / 8 * (fifth ? 176 : 144);
  const int64_t sub_block = c % 8;
  const uint8_t* pairs = block + (fifth ? 48 : 16) + 32 * (sub_block / 2);
  const int8x16_t nibble_shift = vdupq_n_s8(sub_block % 2 == 0 ? 0 : -4);
  const int8x16_t fifth_shift = vdupq_n_s8(static_cast<int8_t>(4 - sub_block));
  uint8x16_t q[2];
  for (int64_t i = 0; i < 2; ++i) {
    q[i] = vandq_u8(vshlq_u8(vld1q_u8(pairs + 16 * i), nibble_shift), vdupq_n_u8(15));
    if (fifth) q[i] = vorrq_u8(q[i], vandq_u8(vshlq_u8(vld1q_u8(block + 16 + 16 * i), fifth_shift), vdupq_n_u8(16)));
  }
  return {vreinterpretq_s8_u8(q[0]), vreinterpretq_s8_u8(q[1])};
}

template <Packing packing>
static inline Chunk chunk_of(const std::byte* row_data, int64_t c) {
  const auto* row = reinterpret_cast<const uint8_t*>(row_data);
  if constexpr (packing == Packing::affine4) {
    const Chunk split = low_and_high_nibbles(vld1q_u8(row + 16 * c));
    return {vzip1q_s8(split.first, split.second), vzip2q_s8(split.first, split.second)};
  } else if constexpr (packing == Packing::affine8) {
    const uint8x16_t centre = vdupq_n_u8(128);
    return {vreinterpretq_s8_u8(veorq_u8(vld1q_u8(row + 32 * c), centre)),
            vreinterpretq_s8_u8(veorq_u8(vld1q_u8(row + 32 * c + 16), centre))};
  } else if constexpr (packing == Packing::q4_0) {
    return less(low_and_high_nibbles(vld1q_u8(row + 18 * c + 2)), 8);
  } else if constexpr (packing == Packing::q4_1) {
    return low_and_high_nibbles(vld1q_u8(row + 20 * c + 4));
  } else if constexpr (packing == Packing::q5_0) {
    return less(with_fifth_bits(low_and_high_nibbles(vld1q_u8(row + 22 * c + 6)), row + 22 * c + 2), 16);
  } else if constexpr (packing == Packing::q5_1) {
    return with_fifth_bits(low_and_high_nibbles(vld1q_u8(row + 24 * c + 8)), row + 24 * c + 4);
  } else if constexpr (packing == Packing::q4_k || packing == Packing::q5_k) {
    return q45_k_chunk(row, c, packing == Packing::q5_k);
  } else if constexpr (packing == Packing::q8_0) {
    return {vreinterpretq_s8_u8(vld1q_u8(row + 34 * c + 2)), vreinterpretq_s8_u8(vld1q_u8(row + 34 * c + 18))};
  } else {
    static_assert(packing == Packing::q6_k);
    return q6_k_chunk(row, c);
  }
}

/// Scales of a chunk: each holds for 32 / kScales<packing> weights.
template <Packing packing>
inline constexpr int kScales = packing == Packing::q6_k ? 2 : 1;

template <Packing packing>
inline constexpr bool kBiased =
    packing != Packing::q4_0&& packing != Packing::q5_0&& packing != Packing::q8_0&& packing != Packing::q6_k;

/// A table of Of::template product<packing>() for all integer packings.
template <class Of, Packing... packings>
consteval ProductTable products_of() {
  ProductTable table{};
  (..., (table[static_cast<std::size_t>(packings)] = Of::template product<packings>()));
  return table;
}
template <class Of>
consteval ProductTable integer_products() {
  return products_of<Of, Packing::affine4, Packing::affine8, Packing::q4_0, Packing::q4_1, Packing::q5_0, Packing::q5_1,
                     Packing::q8_0, Packing::q4_k, Packing::q5_k, Packing::q6_k>();
}

/// Writes the scales and biases of the chunks [begin, end) of a row as f32, each chunk's `stride` values after the last one's (a
/// second scale of a chunk too). Packings without biases leave `biases` alone. Biases are for Chunk's bytes.
void row_scales(const WeightMatrix& w, int64_t row, int64_t begin, int64_t end, int64_t stride, float* scales, float* biases);

}  // namespace ifm::neon
