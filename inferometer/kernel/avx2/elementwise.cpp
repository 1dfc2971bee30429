#include "inferometer/kernel/avx2/avx2.h"
#include "inferometer/kernel/avx2/vector.h"

namespace ifm::avx2 {

void rms_norm(const float* x, const float* weight, int64_t k, float eps, float* out) {
  __m256 squares[2] = {_mm256_setzero_ps(), _mm256_setzero_ps()};
  int64_t i = 0;
  for (; i + 16 <= k; i += 16) {
    for (int64_t j = 0; j < 2; ++j) {
      const __m256 v = _mm256_loadu_ps(x + i + 8 * j);
      squares[j] = _mm256_fmadd_ps(v, v, squares[j]);
    }
  }
  float sum = sum8(_mm256_add_ps(squares[0], squares[1]));
  for (; i < k; ++i) sum += x[i] * x[i];
  const bool finite = sum < __builtin_inff();
  const float factor = finite ? 1.0F / __builtin_sqrtf(sum / static_cast<float>(k) + eps) : __builtin_nanf("");
  for (i = 0; i + 8 <= k; i += 8) {
    const __m256 scaled = _mm256_mul_ps(_mm256_loadu_ps(x + i), _mm256_set1_ps(factor));
    _mm256_storeu_ps(out + i, _mm256_mul_ps(scaled, _mm256_loadu_ps(weight + i)));
  }
  for (; i < k; ++i) out[i] = x[i] * factor * weight[i];
}

namespace {

void rope_halves(float* head, int64_t half, const float* cos, const float* sin) {
  int64_t i = 0;
  for (; i + 8 <= half; i += 8) {
    const __m256 a = _mm256_loadu_ps(head + i);
    const __m256 b = _mm256_loadu_ps(head + half + i);
    const __m256 c = _mm256_loadu_ps(cos + i);
    const __m256 s = _mm256_loadu_ps(sin + i);
    _mm256_storeu_ps(head + i, _mm256_sub_ps(_mm256_mul_ps(a, c), _mm256_mul_ps(b, s)));
    _mm256_storeu_ps(head + half + i, _mm256_add_ps(_mm256_mul_ps(a, s), _mm256_mul_ps(b, c)));
  }
  for (; i < half; ++i) {
    const float a = head[i];
    const float b = head[half + i];
    head[i] = a * cos[i] - b * sin[i];
    head[half + i] = a * sin[i] + b * cos[i];
  }
}

}  // namespace

void rope(float* x, int64_t heads, int64_t head_dim, const float* cos, const float* sin, bool interleaved) {
  const int64_t half = head_dim / 2;
  for (int64_t h = 0; h < heads; ++h) {
    float* head = x + h * head_dim;
    if (!interleaved) {
      rope_halves(head, half, cos, sin);
      continue;
    }
    for (int64_t i = 0; i < half; ++i) {
      const float a = head[2 * i];
      const float b = head[2 * i + 1];
      head[2 * i] = a * cos[i] - b * sin[i];
      head[2 * i + 1] = a * sin[i] + b * cos[i];
    }
  }
}

namespace {

__m256 swiglu8(__m256 gate, __m256 up) {
  const __m256 one = _mm256_set1_ps(1.0F);
  const __m256 denominator = _mm256_add_ps(one, exp8(_mm256_sub_ps(_mm256_setzero_ps(), gate)));
  return _mm256_mul_ps(_mm256_div_ps(gate, denominator), up);
}

}  // namespace

void swiglu(const float* gate, const float* up, int64_t k, float* out) {
  int64_t i = 0;
  for (; i + 8 <= k; i += 8) _mm256_storeu_ps(out + i, swiglu8(_mm256_loadu_ps(gate + i), _mm256_loadu_ps(up + i)));
  if (i == k) return;
  alignas(32) float tail[16] = {};
  for (int64_t j = i; j < k; ++j) {
    tail[j - i] = gate[j];
    tail[8 + j - i] = up[j];
  }
  _mm256_store_ps(tail, swiglu8(_mm256_load_ps(tail), _mm256_load_ps(tail + 8)));
  for (int64_t j = i; j < k; ++j) out[j] = tail[j - i];
}

void add(float* x, const float* y, int64_t k) {
  int64_t i = 0;
  for (; i + 8 <= k; i += 8) _mm256_storeu_ps(x + i, _mm256_add_ps(_mm256_loadu_ps(x + i), _mm256_loadu_ps(y + i)));
  for (; i < k; ++i) x[i] += y[i];
}

void to_f16(const float* x, int64_t k, uint16_t* out) {
  int64_t i = 0;
  for (; i + 8 <= k; i += 8) {
    const __m128i half = _mm256_cvtps_ph(_mm256_loadu_ps(x + i), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + i), half);
  }
  for (; i < k; ++i) {
    const __m128i half = _mm_cvtps_ph(_mm_set_ss(x[i]), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    out[i] = static_cast<uint16_t>(_mm_extract_epi16(half, 0));
  }
}

}  // namespace ifm::avx2
