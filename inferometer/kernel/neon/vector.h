#pragma once

#include <arm_neon.h>

#include <cstdint>
#include <cstring>

// Everything here is static: a copy that one folder's flags compiled must never serve a caller without those instructions.
namespace ifm::neon {

static inline float32x4_t load_f32(const void* p) { return vreinterpretq_f32_u8(vld1q_u8(static_cast<const uint8_t*>(p))); }

static inline float32x4_t load_f16(const void* p) {
  return vcvt_f32_f16(vreinterpret_f16_u8(vld1_u8(static_cast<const uint8_t*>(p))));
}

static inline float32x4_t load_bf16(const void* p) {
  return vreinterpretq_f32_u32(vshll_n_u16(vreinterpret_u16_u8(vld1_u8(static_cast<const uint8_t*>(p))), 16));
}

static inline float one_f16(const void* p) {
  uint16_t bits = 0;
  std::memcpy(&bits, p, 2);
  return vgetq_lane_f32(vcvt_f32_f16(vreinterpret_f16_u16(vdup_n_u16(bits))), 0);
}

static inline float one_bf16(const void* p) {
  uint16_t bits = 0;
  std::memcpy(&bits, p, 2);
  return vgetq_lane_f32(vreinterpretq_f32_u32(vdupq_n_u32(static_cast<uint32_t>(bits) << 16)), 0);
}

static inline float one_f32(const void* p) {
  float value = 0;
  std::memcpy(&value, p, 4);
  return value;
}

/// e^x to about 1 ulp: x = n ln 2 + r, |r| <= ln 2 / 2, and the Taylor polynomial of degree 7 (its rest is below 6e-9).
/// Below -87 the result is 0, above 88 it stops growing; NaN stays NaN.
static inline float32x4_t exp4(float32x4_t x) {
  const float32x4_t low = vdupq_n_f32(-87.0F);
  const uint32x4_t too_low = vcltq_f32(x, low);
  x = vmaxq_f32(low, vminq_f32(vdupq_n_f32(88.0F), x));
  const float32x4_t n = vrndnq_f32(vmulq_n_f32(x, 1.44269504F));
  // ln 2 in two parts: the first has few enough bits that n times it is exact.
  float32x4_t r = vfmsq_f32(x, n, vdupq_n_f32(0.693359375F));
  r = vfmsq_f32(r, n, vdupq_n_f32(-2.12194440e-4F));
  float32x4_t p = vdupq_n_f32(1.0F / 5040);
  p = vfmaq_f32(vdupq_n_f32(1.0F / 720), p, r);
  p = vfmaq_f32(vdupq_n_f32(1.0F / 120), p, r);
  p = vfmaq_f32(vdupq_n_f32(1.0F / 24), p, r);
  p = vfmaq_f32(vdupq_n_f32(1.0F / 6), p, r);
  p = vfmaq_f32(vdupq_n_f32(0.5F), p, r);
  p = vfmaq_f32(vdupq_n_f32(1.0F), p, r);
  p = vfmaq_f32(vdupq_n_f32(1.0F), p, r);
  const int32x4_t exponent = vshlq_n_s32(vaddq_s32(vcvtq_s32_f32(n), vdupq_n_s32(127)), 23);
  const uint32x4_t product = vreinterpretq_u32_f32(vmulq_f32(p, vreinterpretq_f32_s32(exponent)));
  return vreinterpretq_f32_u32(vbicq_u32(product, too_low));
}

}  // namespace ifm::neon
