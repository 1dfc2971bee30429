#include <algorithm>
#include <cmath>
#include <limits>

#include "inferometer/kernel/reference/reference.h"
#include "inferometer/tensor/dtype.h"

namespace ifm::reference {

void rms_norm(const float* x, const float* weight, int64_t k, float eps, float* out) {
  double squares = 0;
  for (int64_t i = 0; i < k; ++i) squares += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  const double factor = 1.0 / std::sqrt(squares / static_cast<double>(k) + static_cast<double>(eps));
  const bool finite = std::isfinite(squares);
  for (int64_t i = 0; i < k; ++i) {
    out[i] =
        finite ? static_cast<float>(static_cast<double>(x[i]) * factor) * weight[i] : std::numeric_limits<float>::quiet_NaN();
  }
}

void rope(float* x, int64_t heads, int64_t head_dim, const float* cos, const float* sin, bool interleaved) {
  const int64_t half = head_dim / 2;
  for (int64_t h = 0; h < heads; ++h) {
    float* head = x + h * head_dim;
    for (int64_t i = 0; i < half; ++i) {
      float& a = head[interleaved ? 2 * i : i];
      float& b = head[interleaved ? 2 * i + 1 : i + half];
      const float turned_a = a * cos[i] - b * sin[i];
      const float turned_b = a * sin[i] + b * cos[i];
      a = turned_a;
      b = turned_b;
    }
  }
}

void swiglu(const float* gate, const float* up, int64_t k, float* out) {
  for (int64_t i = 0; i < k; ++i) out[i] = gate[i] / (1.0F + std::exp(-gate[i])) * up[i];
}

void add(float* x, const float* y, int64_t k) {
  for (int64_t i = 0; i < k; ++i) x[i] += y[i];
}

void to_f16(const float* x, int64_t k, uint16_t* out) {
  for (int64_t i = 0; i < k; ++i) out[i] = f32_to_f16(x[i]);
}

float largest(const float* x, int64_t k) {
  float top = x[0];
  for (int64_t i = 0; i < k; ++i) {
    if (!std::isfinite(x[i])) return std::numeric_limits<float>::quiet_NaN();
    top = std::max(top, x[i]);
  }
  return top;
}

double exp_weights(const float* x, int64_t k, float top, float inverse_temperature, float* out) {
  double sum = 0;
  for (int64_t i = 0; i < k; ++i) {
    out[i] = std::exp((x[i] - top) * inverse_temperature);
    sum += static_cast<double>(out[i]);
  }
  return sum;
}

int64_t count_above(const float* x, int64_t k, float bound) {
  return std::count_if(x, x + k, [bound](float value) { return value > bound; });
}

double sum_above(const float* x, int64_t k, float bound) {
  double sum = 0;
  for (int64_t i = 0; i < k; ++i) sum += x[i] > bound ? static_cast<double>(x[i]) : 0.0;
  return sum;
}

int64_t indices_within(const float* x, int64_t k, float low, float high, int32_t* out) {
  int64_t count = 0;
  for (int64_t i = 0; i < k; ++i) {
    if (x[i] >= low && x[i] <= high) out[count++] = static_cast<int32_t>(i);
  }
  return count;
}

}  // namespace ifm::reference
