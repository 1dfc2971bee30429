#pragma once

#include "inferometer/kernel/kernels.h"

namespace ifm::avx2 {

/// Decode steps: inputs as steps.h rounds them, as eights or as words.
void decode_affine4(const MatmulTask& task);  ///< split
void decode_affine4_words(const MatmulTask& task);
void decode_block32(const MatmulTask& task);  ///< q4_0, q4_1, q5_0, q5_1: by 16
void decode_block32_words(const MatmulTask& task);
void decode_block256(const MatmulTask& task);  ///< q4_k, q5_k, q6_k: by 32
void decode_block256_words(const MatmulTask& task);
void decode_bytes(const MatmulTask& task);  ///< q8_0, affine8: words in order
/// Pieces of a prompt: inputs as records.h rounds them.
void prefill_narrow(const MatmulTask& task);  ///< packings with unsigned bytes
void prefill_wide(const MatmulTask& task);    ///< every integer packing
/// Plain packings, f32 inputs.
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

/// Writes row `row` of a plain packing as f32 (cols, rounded up to 8 and padded with zeros).
void unpack_f32(const WeightMatrix& w, int64_t row, float* out);
/// Whether unpacked bytes are signed (8 bits, and q6_k around its centre) or unsigned (4 and 5 bits).
bool has_signed_bytes(Packing packing);
/// `count` values (whole blocks) of a GGML packing, bytes in order, with one scale per 16 values and one bias per 32:
/// w = scale * byte + bias.
void unpack_block(Packing packing, const std::byte* from, int64_t count, uint8_t* bytes, float* scales, float* biases);
/// Columns [begin, begin + count), whole blocks, of a row of an integer packing as unpack_block() writes them.
void unpack_span(const WeightMatrix& w, int64_t row, int64_t begin, int64_t count, uint8_t* bytes, float* scales, float* biases);
/// One scale or bias of an affine matrix.
float affine_number(const WeightMatrix& w, const std::byte* source, int64_t group);
/// Whether blocks have 256 values instead of 32.
bool has_super_blocks(Packing packing);
int64_t block_bytes(Packing packing);

}  // namespace ifm::avx2
