#pragma once

#include "inferometer/kernel/kernels.h"

namespace ifm::neon {

/// Plain weights times f32, in place; null for other packings.
extern const ProductTable kPlainProducts;
/// Integer weights expanded to f32, two rows at a time, times f32; null for plain packings.
extern const ProductTable kIntegerProducts;

// As in Kernels.
void rms_norm(const float* x, const float* weight, int64_t k, float eps, float* out);
void rope(float* x, int64_t heads, int64_t head_dim, const float* cos, const float* sin, bool interleaved);
void swiglu(const float* gate, const float* up, int64_t k, float* out);
void add(float* x, const float* y, int64_t k);
void to_f16(const float* x, int64_t k, uint16_t* out);
float largest(const float* x, int64_t k);
double exp_weights(const float* x, int64_t k, float top, float inverse_temperature, float* out);
int64_t count_above(const float* x, int64_t k, float bound);
double sum_above(const float* x, int64_t k, float bound);
int64_t indices_within(const float* x, int64_t k, float low, float high, int32_t* out);
void attention(const AttentionTask& task);

}  // namespace ifm::neon
