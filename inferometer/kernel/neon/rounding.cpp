#include "inferometer/kernel/neon/rounding.h"

#include "inferometer/kernel/neon/vector.h"

namespace ifm::neon {
namespace {

/// 32 rounded values: digits of 16 bytes each, their scales (one per 8 values, or one), and the sum of the scaled values.
template <int Digits>
struct Rounded {
  int8x16_t bytes[Digits][2];
  float scales[4];
  float sum;
};

/// The largest value of the first digit is 127 either way.
template <int Digits>
inline constexpr float kLargest = Digits == 1 ? 127.0F : 127.0F * 256.0F;

/// The bits of the largest magnitude: as unsigned numbers they are in the order of the magnitudes, NaN above infinity.
uint32x4_t magnitude_bits(float32x4_t v) { return vreinterpretq_u32_f32(vabsq_f32(v)); }

/// Rounds with one scale per PerScale values, 8 or 32. Values that are not finite make the scale NaN and the bytes 0.
template <int Digits, int PerScale>
Rounded<Digits> round32(const float* x) {
  Rounded<Digits> out;
  int16x8_t q[4];
  float32x4_t sum = vdupq_n_f32(0);
  float scale = 0;
  float inverse = 0;
  for (int i = 0; i < 4; ++i) {
    if (8 * i % PerScale == 0) {
      uint32x4_t bits = vdupq_n_u32(0);
      for (int j = 0; j < PerScale; j += 4) bits = vmaxq_u32(bits, magnitude_bits(vld1q_f32(x + 8 * i + j)));
      const uint32_t top_bits = vmaxvq_u32(bits);
      const bool finite = top_bits < 0x7F800000U;
      const float top = vgetq_lane_f32(vreinterpretq_f32_u32(vdupq_n_u32(top_bits)), 0);
      scale = finite ? top / kLargest<Digits> : __builtin_nanf("");
      inverse = finite && top > 0 ? kLargest<Digits> / top : 0.0F;
    }
    out.scales[i] = scale;
    // A tiny top makes an infinite inverse: the clamp holds, and NaN (0 * infinity) converts to 0.
    const float32x4_t limit = vdupq_n_f32(kLargest<Digits>);
    int32x4_t whole[2];
    for (int j = 0; j < 2; ++j) {
      const float32x4_t scaled = vmulq_n_f32(vld1q_f32(x + 8 * i + 4 * j), inverse);
      whole[j] = vcvtnq_s32_f32(vminq_f32(limit, vmaxq_f32(vnegq_f32(limit), scaled)));
    }
    if (scale != scale) whole[0] = whole[1] = vdupq_n_s32(0);
    sum = vfmaq_n_f32(sum, vcvtq_f32_s32(vaddq_s32(whole[0], whole[1])), scale);
    q[i] = vmovn_high_s32(vmovn_s32(whole[0]), whole[1]);
  }
  out.sum = vaddvq_f32(sum);
  for (int i = 0; i < 2; ++i) {
    const int8x16_t low = vmovn_high_s16(vmovn_s16(q[2 * i]), q[2 * i + 1]);
    // The second digit is the low byte as a signed number, the first is what is left.
    if constexpr (Digits == 2) out.bytes[0][i] = vrshrn_high_n_s16(vrshrn_n_s16(q[2 * i], 8), q[2 * i + 1], 8);
    out.bytes[Digits - 1][i] = low;
  }
  return out;
}

void store(std::byte* to, int8x16_t bytes) { vst1q_s8(reinterpret_cast<int8_t*>(to), bytes); }
void store_half(std::byte* to, int8x8_t bytes) { vst1_s8(reinterpret_cast<int8_t*>(to), bytes); }

template <int Digits>
int64_t decode_bytes(int64_t n, int64_t k) {
  return n * decode_stretch<Digits>(k);
}

template <int Digits, bool split>
void round_for_decode(const float* x, int64_t /*n*/, int64_t k, int64_t begin, int64_t end, std::byte* out) {
  for (int64_t t = begin; t < end; ++t) {
    std::byte* stretch = out + t * decode_stretch<Digits>(k);
    for (int64_t c = 0; c < k / 32; ++c) {
      const Rounded<Digits> r = round32<Digits, 8>(x + t * k + 32 * c);
      std::byte* to = stretch + c * kDecodeChunk<Digits>;
      for (int d = 0; d < Digits; ++d, to += 32) {
        store(to, split ? vuzp1q_s8(r.bytes[d][0], r.bytes[d][1]) : r.bytes[d][0]);
        store(to + 16, split ? vuzp2q_s8(r.bytes[d][0], r.bytes[d][1]) : r.bytes[d][1]);
      }
      std::memcpy(to, r.scales, 16);
      std::memcpy(stretch + k / 32 * kDecodeChunk<Digits> + 4 * c, &r.sum, 4);
    }
  }
}

template <int Digits>
int64_t prefill_bytes(int64_t n, int64_t k) {
  return (n + 3) / 4 * prefill_stretch<Digits>(k);
}

template <int Digits, bool pairs>
void put_token(const Rounded<Digits>& r, int64_t t, std::byte* to) {
  for (int d = 0; d < Digits; ++d, to += 128) {
    if constexpr (pairs) {
      // Tokens 0 and 1, then 2 and 3: 16 bytes hold the same 8 places of a pair.
      std::byte* first = to + 64 * (t / 2) + 8 * (t % 2);
      store_half(first, vget_low_s8(r.bytes[d][0]));
      store_half(first + 16, vget_high_s8(r.bytes[d][0]));
      store_half(first + 32, vget_low_s8(r.bytes[d][1]));
      store_half(first + 48, vget_high_s8(r.bytes[d][1]));
    } else {
      store(to + 32 * t, r.bytes[d][0]);
      store(to + 32 * t + 16, r.bytes[d][1]);
    }
  }
  std::memcpy(to + 4 * t, r.scales, 4);
  std::memcpy(to + 16 + 4 * t, &r.sum, 4);
}

template <int Digits, bool pairs>
void round_for_prefill(const float* x, int64_t /*n*/, int64_t k, int64_t begin, int64_t end, std::byte* out) {
  for (int64_t four = begin; four < end; four += 4) {
    std::byte* stretch = out + four / 4 * prefill_stretch<Digits>(k);
    if (four + 4 > end) std::memset(stretch, 0, static_cast<unsigned long>(prefill_stretch<Digits>(k)));
    for (int64_t t = four; t < end && t < four + 4; ++t) {
      for (int64_t c = 0; c < k / 32; ++c) {
        const Rounded<Digits> r = round32<Digits, 32>(x + t * k + 32 * c);
        put_token<Digits, pairs>(r, t - four, stretch + c * kPrefillChunk<Digits>);
      }
    }
  }
}

}  // namespace

const Rounding kDecodeInOrder[2] = {{"eights", decode_bytes<1>, round_for_decode<1, false>},
                                    {"two digits per 8", decode_bytes<2>, round_for_decode<2, false>}};
const Rounding kDecodeSplit[2] = {{"eights", decode_bytes<1>, round_for_decode<1, true>},
                                  {"two digits per 8", decode_bytes<2>, round_for_decode<2, true>}};
const Rounding kPrefillInOrder[2] = {{"int8 per 32", prefill_bytes<1>, round_for_prefill<1, false>},
                                     {"two digits per 32", prefill_bytes<2>, round_for_prefill<2, false>}};
const Rounding kPrefillPairs[2] = {{"int8 per 32", prefill_bytes<1>, round_for_prefill<1, true>},
                                   {"two digits per 32", prefill_bytes<2>, round_for_prefill<2, true>}};

}  // namespace ifm::neon
