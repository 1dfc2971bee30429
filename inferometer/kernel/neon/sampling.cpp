#include "inferometer/kernel/neon/neon.h"
#include "inferometer/kernel/neon/vector.h"

namespace ifm::neon {
namespace {

/// The values that are larger than bound; zero for the others.
float32x4_t those_above(float32x4_t v, float32x4_t bound) {
  return vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(v), vcgtq_f32(v, bound)));
}

}  // namespace

float largest(const float* x, int64_t k) {
  float32x4_t top[4] = {vdupq_n_f32(x[0]), vdupq_n_f32(x[0]), vdupq_n_f32(x[0]), vdupq_n_f32(x[0])};
  // v - v is not a number where v is not finite, and whatever that is added to is not one either.
  float32x4_t zeros[4] = {vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0)};
  int64_t i = 0;
  for (; i + 16 <= k; i += 16) {
    for (int64_t j = 0; j < 4; ++j) {
      const float32x4_t v = vld1q_f32(x + i + 4 * j);
      top[j] = vmaxq_f32(top[j], v);
      zeros[j] = vaddq_f32(zeros[j], vsubq_f32(v, v));
    }
  }
  float result = vmaxvq_f32(vmaxq_f32(vmaxq_f32(top[0], top[1]), vmaxq_f32(top[2], top[3])));
  float zero = vaddvq_f32(vaddq_f32(vaddq_f32(zeros[0], zeros[1]), vaddq_f32(zeros[2], zeros[3])));
  for (; i < k; ++i) {
    zero += x[i] - x[i];
    result = x[i] > result ? x[i] : result;
  }
  return zero == 0 ? result : __builtin_nanf("");
}

double exp_weights(const float* x, int64_t k, float top, float inverse_temperature, float* out) {
  float64x2_t sums[2] = {vdupq_n_f64(0), vdupq_n_f64(0)};
  int64_t i = 0;
  for (; i + 16 <= k; i += 16) {
    for (int64_t j = 0; j < 4; ++j) {
      const float32x4_t below = vsubq_f32(vld1q_f32(x + i + 4 * j), vdupq_n_f32(top));
      const float32x4_t p = exp4(vmulq_n_f32(below, inverse_temperature));
      vst1q_f32(out + i + 4 * j, p);
      sums[0] = vaddq_f64(sums[0], vcvt_f64_f32(vget_low_f32(p)));
      sums[1] = vaddq_f64(sums[1], vcvt_high_f64_f32(p));
    }
  }
  double sum = vaddvq_f64(vaddq_f64(sums[0], sums[1]));
  for (; i < k; ++i) {
    out[i] = vgetq_lane_f32(exp4(vdupq_n_f32((x[i] - top) * inverse_temperature)), 0);
    sum += static_cast<double>(out[i]);
  }
  return sum;
}

int64_t count_above(const float* x, int64_t k, float bound) {
  uint32x4_t counts[2] = {vdupq_n_u32(0), vdupq_n_u32(0)};
  int64_t i = 0;
  for (; i + 8 <= k; i += 8) {
    for (int64_t j = 0; j < 2; ++j) {  // a match is -1
      counts[j] = vsubq_u32(counts[j], vcgtq_f32(vld1q_f32(x + i + 4 * j), vdupq_n_f32(bound)));
    }
  }
  int64_t count = vaddvq_u32(vaddq_u32(counts[0], counts[1]));
  for (; i < k; ++i) count += x[i] > bound ? 1 : 0;
  return count;
}

double sum_above(const float* x, int64_t k, float bound) {
  float64x2_t sums[2] = {vdupq_n_f64(0), vdupq_n_f64(0)};
  int64_t i = 0;
  for (; i + 4 <= k; i += 4) {
    const float32x4_t above = those_above(vld1q_f32(x + i), vdupq_n_f32(bound));
    sums[0] = vaddq_f64(sums[0], vcvt_f64_f32(vget_low_f32(above)));
    sums[1] = vaddq_f64(sums[1], vcvt_high_f64_f32(above));
  }
  double sum = vaddvq_f64(vaddq_f64(sums[0], sums[1]));
  for (; i < k; ++i) sum += x[i] > bound ? static_cast<double>(x[i]) : 0.0;
  return sum;
}

int64_t indices_within(const float* x, int64_t k, float low, float high, int32_t* out) {
  int64_t count = 0;
  int64_t i = 0;
  const auto take = [&](int64_t end) {
    for (; i < end; ++i) {
      out[count] = static_cast<int32_t>(i);
      count += x[i] >= low && x[i] <= high ? 1 : 0;
    }
  };
  while (i + 16 <= k) {
    uint32x4_t inside = vdupq_n_u32(0);
    for (int64_t j = 0; j < 16; j += 4) {
      const float32x4_t v = vld1q_f32(x + i + j);
      inside = vorrq_u32(inside, vandq_u32(vcgeq_f32(v, vdupq_n_f32(low)), vcleq_f32(v, vdupq_n_f32(high))));
    }
    if (vmaxvq_u32(inside) == 0) {
      i += 16;
    } else {
      take(i + 16);
    }
  }
  take(k);
  return count;
}

}  // namespace ifm::neon
