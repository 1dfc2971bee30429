#pragma once

#include "inferometer/kernel/kernels.h"

namespace ifm::reference {

void round_eights(const float* x, int64_t n, int64_t k, int64_t begin, int64_t end, std::byte* out);
void matmul_fast(const MatmulTask& task);
void matmul_exact(const MatmulTask& task);
void attention(const AttentionTask& task);

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

}  // namespace ifm::reference
