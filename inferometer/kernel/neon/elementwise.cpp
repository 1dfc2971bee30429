#include "inferometer/kernel/neon/neon.h"
#include "inferometer/kernel/neon/vector.h"

namespace ifm::neon {

void rms_norm(const float* x, const float* weight, int64_t k, float eps, float* out) {
  float32x4_t squares[4] = {vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0)};
  int64_t i = 0;
  for (; i + 16 <= k; i += 16) {
    for (int64_t j = 0; j < 4; ++j) {
      const float32x4_t v = vld1q_f32(x + i + 4 * j);
      squares[j] = vfmaq_f32(squares[j], v, v);
    }
  }
  float sum = vaddvq_f32(vaddq_f32(vaddq_f32(squares[0], squares[1]), vaddq_f32(squares[2], squares[3])));
  for (; i < k; ++i) sum += x[i] * x[i];
  const bool finite = sum < __builtin_inff();
  const float factor = finite ? 1.0F / __builtin_sqrtf(sum / static_cast<float>(k) + eps) : __builtin_nanf("");
  for (i = 0; i + 4 <= k; i += 4) vst1q_f32(out + i, vmulq_f32(vmulq_n_f32(vld1q_f32(x + i), factor), vld1q_f32(weight + i)));
  for (; i < k; ++i) out[i] = x[i] * factor * weight[i];
}

namespace {

struct Turned {
  float32x4_t a, b;
};

Turned turn(float32x4_t a, float32x4_t b, const float* cos, const float* sin) {
  const float32x4_t c = vld1q_f32(cos);
  const float32x4_t s = vld1q_f32(sin);
  return {vsubq_f32(vmulq_f32(a, c), vmulq_f32(b, s)), vaddq_f32(vmulq_f32(a, s), vmulq_f32(b, c))};
}

}  // namespace

void rope(float* x, int64_t heads, int64_t head_dim, const float* cos, const float* sin, bool interleaved) {
  const int64_t half = head_dim / 2;
  for (int64_t h = 0; h < heads; ++h) {
    float* head = x + h * head_dim;
    int64_t i = 0;
    for (; i + 4 <= half; i += 4) {
      if (interleaved) {
        const float32x4x2_t pairs = vld2q_f32(head + 2 * i);
        const Turned turned = turn(pairs.val[0], pairs.val[1], cos + i, sin + i);
        vst2q_f32(head + 2 * i, (float32x4x2_t{{turned.a, turned.b}}));
      } else {
        const Turned turned = turn(vld1q_f32(head + i), vld1q_f32(head + half + i), cos + i, sin + i);
        vst1q_f32(head + i, turned.a);
        vst1q_f32(head + half + i, turned.b);
      }
    }
    for (; i < half; ++i) {
      float& first = head[interleaved ? 2 * i : i];
      float& second = head[interleaved ? 2 * i + 1 : half + i];
      const float a = first;
      const float b = second;
      first = a * cos[i] - b * sin[i];
      second = a * sin[i] + b * cos[i];
    }
  }
}

namespace {

float32x4_t swiglu4(float32x4_t gate, float32x4_t up) {
  const float32x4_t denominator = vaddq_f32(vdupq_n_f32(1.0F), exp4(vnegq_f32(gate)));
  return vmulq_f32(vdivq_f32(gate, denominator), up);
}

}  // namespace

void swiglu(const float* gate, const float* up, int64_t k, float* out) {
  int64_t i = 0;
  for (; i + 4 <= k; i += 4) vst1q_f32(out + i, swiglu4(vld1q_f32(gate + i), vld1q_f32(up + i)));
  for (; i < k; ++i) out[i] = vgetq_lane_f32(swiglu4(vdupq_n_f32(gate[i]), vdupq_n_f32(up[i])), 0);
}

void add(float* x, const float* y, int64_t k) {
  int64_t i = 0;
  for (; i + 4 <= k; i += 4) vst1q_f32(x + i, vaddq_f32(vld1q_f32(x + i), vld1q_f32(y + i)));
  for (; i < k; ++i) x[i] += y[i];
}

void to_f16(const float* x, int64_t k, uint16_t* out) {
  int64_t i = 0;
  for (; i + 4 <= k; i += 4) vst1_u16(out + i, vreinterpret_u16_f16(vcvt_f16_f32(vld1q_f32(x + i))));
  for (; i < k; ++i) out[i] = vget_lane_u16(vreinterpret_u16_f16(vcvt_f16_f32(vdupq_n_f32(x[i]))), 0);
}

}  // namespace ifm::neon
