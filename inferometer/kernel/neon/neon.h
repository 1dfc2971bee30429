#pragma once

#include "inferometer/kernel/kernels.h"

namespace ifm::neon {

/// Plain weights times f32, in place.
void matmul_plain(const MatmulTask& task);
/// Integer weights expanded to f32, two rows at a time, times f32.
void matmul_expanded(const MatmulTask& task);
void attention(const AttentionTask& task);
float largest(const float* x, int64_t k);
double exp_weights(const float* x, int64_t k, float top, float inverse_temperature, float* out);
int64_t count_above(const float* x, int64_t k, float bound);
double sum_above(const float* x, int64_t k, float bound);
int64_t indices_within(const float* x, int64_t k, float low, float high, int32_t* out);

/// Writes row `row` of integer weights as f32 (cols). scratch: (cols / 16 + cols / 32) floats.
void expand_row(const WeightMatrix& w, int64_t row, float* scratch, float* out);

}  // namespace ifm::neon
