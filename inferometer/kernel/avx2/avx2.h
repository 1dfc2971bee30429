#pragma once

#include "inferometer/kernel/kernels.h"

namespace ifm::avx2 {

/// Rounded bytes in order.
void round_linear(const float* x, int64_t n, int64_t k, int64_t begin, int64_t end, std::byte* out);
/// Per 64 values the 32 even ones, then the 32 odd ones; a half block of 32 at the end is cut the same way.
void round_split(const float* x, int64_t n, int64_t k, int64_t begin, int64_t end, std::byte* out);
void matmul_affine4(const MatmulTask& task);
void matmul_unsigned(const MatmulTask& task);
void matmul_signed(const MatmulTask& task);
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

/// Writes row `row` as f32 (cols, rounded up to 8 and padded with zeros).
void unpack_f32(const WeightMatrix& w, int64_t row, float* out);
/// Scales of an affine row as f32, one per group: (cols / group).
void affine_scales(const WeightMatrix& w, const std::byte* source, int64_t row, float* out);
/// Whether unpacked bytes are signed (8 bits, and q6_k around its centre) or unsigned (4 and 5 bits).
bool has_signed_bytes(Packing packing);
/// `count` values (whole blocks) of a GGML packing, bytes in order, with one scale per 16 values and one bias per 32:
/// w = scale * byte + bias.
void unpack_block(Packing packing, const std::byte* from, int64_t count, uint8_t* bytes, float* scales, float* biases);
/// A row of a GGML packing or of affine8 as unpack_block() writes it.
void unpack_bytes(const WeightMatrix& w, int64_t row, uint8_t* bytes, float* scales, float* biases);

}  // namespace ifm::avx2
