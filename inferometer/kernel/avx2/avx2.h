#pragma once

#include "inferometer/kernel/kernels.h"

namespace ifm::avx2 {

/// Rounded bytes in order.
void round_linear(const float* x, int64_t n, int64_t k, int64_t begin, int64_t end, std::byte* out);
/// Per 64 values the 32 even ones, then the 32 odd ones; a half block of 32 at the end is cut the same way.
void round_split(const float* x, int64_t n, int64_t k, int64_t begin, int64_t end, std::byte* out);
void matmul_affine4(const MatmulTask& task);
void matmul_unsigned4(const MatmulTask& task);
void matmul_signed8(const MatmulTask& task);
void matmul_exact(const MatmulTask& task);
void attention(const AttentionTask& task);
float largest(const float* x, int64_t k);
double exp_weights(const float* x, int64_t k, float top, float inverse_temperature, float* out);
int64_t count_above(const float* x, int64_t k, float bound);
double sum_above(const float* x, int64_t k, float bound);
int64_t indices_within(const float* x, int64_t k, float low, float high, int32_t* out);

/// Writes row `row` as f32 (cols, rounded up to 8 and padded with zeros).
void unpack_f32(const WeightMatrix& w, int64_t row, float* out);
/// Scales of an affine row as f32, one per group: (cols / group).
void affine_scales(const WeightMatrix& w, const std::byte* source, int64_t row, float* out);
/// Writes a row of 4-bit GGML blocks as u8 0…15, or of 8- and 6-bit weights as s8, in order (cols), with one scale per 16
/// values (cols / 16) and one bias per 32 (cols / 32; zeros where the packing has none).
void unpack_bytes(const WeightMatrix& w, int64_t row, uint8_t* bytes, float* scales, float* biases);

}  // namespace ifm::avx2
