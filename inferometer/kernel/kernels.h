#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "inferometer/kernel/accuracy.h"
#include "inferometer/tensor/weight_matrix.h"

namespace ifm {

/// The inputs of a matrix product for n tokens, as f32 and, for `fast`, rounded to int8. Does not own.
struct Activations {
  int64_t n = 0;
  int64_t k = 0;
  const float* f32 = nullptr;    ///< (n, k)
  const int8_t* q = nullptr;     ///< (n, k) in the order of the packing it was made for; values in [-127, 127]
  const float* scale = nullptr;  ///< (n, k / 8) one per 8 consecutive values
  const float* sum = nullptr;    ///< (n, k / 32) sums of scale * q
};

/// Where quantize() writes; buffers as in Activations.
struct QuantizeTarget {
  int8_t* q = nullptr;
  float* scale = nullptr;
  float* sum = nullptr;
};

/// A part of out = x . W^T: rows [row_begin, row_end) of W for tokens [token_begin, token_end).
struct MatmulTask {
  const WeightMatrix* weights = nullptr;
  const Activations* x = nullptr;
  float* out = nullptr;  ///< (n, out_stride) f32, column = row of W; must not overlap x
  int64_t out_stride = 0;
  int64_t row_begin = 0, row_end = 0;
  int64_t token_begin = 0, token_end = 0;
  void* scratch = nullptr;  ///< matmul_scratch_bytes(k) bytes, 64-byte aligned, of this thread alone
};

/// Attention of the query heads that share one KV head, for queries [token_begin, token_end).
struct AttentionTask {
  const float* q = nullptr;     ///< (n, heads, head_dim) f32, rotated
  const uint16_t* k = nullptr;  ///< (capacity, head_dim) f16 of this KV head, rotated
  const uint16_t* v = nullptr;  ///< (capacity, head_dim) f16
  float* out = nullptr;         ///< (n, heads, head_dim) f32
  int64_t heads = 0, head_dim = 0;
  int64_t first_head = 0, group = 0;  ///< query heads [first_head, first_head + group)
  int64_t position = 0;               ///< of query 0; a query sees the positions up to its own
  int64_t token_begin = 0, token_end = 0;
  float scale = 1.0F;        ///< 1 / sqrt(head_dim)
  float* scratch = nullptr;  ///< attention_scratch_floats(...) floats, 64-byte aligned, of this thread alone
};

/// Rows that a product of many tokens takes together, and that the pool hands out at a time.
inline constexpr int64_t kMatmulRows = 32;
/// Tokens that one AttentionTask should hold.
inline constexpr int64_t kAttentionTokens = 16;
/// Key positions that attention takes at a time; blocks start at multiples of it, so results do not depend on how a prompt is
/// cut.
inline constexpr int64_t kAttentionKeys = 64;

/// The fast product of one packing: how its inputs are rounded, and the product of what was rounded. Packings that share
/// `quantize` share one rounding of the same input.
struct FastProduct {
  /// Rounds x (n, k), k % 32 == 0: scale = max|x| / 127 per 8 values, 0 for zeros; NaN where the values are not finite.
  /// The order of the bytes in a row is an agreement between quantize and matmul.
  void (*quantize)(const float* x, int64_t n, int64_t k, const QuantizeTarget& target) = nullptr;
  void (*matmul)(const MatmulTask& task) = nullptr;
};

/// One instruction set's functions. All are thread-safe and allocate nothing. Every output element is computed by the same
/// operations in the same order however the work is cut, so results do not depend on threads or batch. A set leaves null what it
/// does no better than the next one; dispatch fills it in.
struct Kernels {
  std::string_view isa;
  /// By packing. Plain packings round nothing: quantize is null and matmul is matmul_exact.
  std::array<FastProduct, kPackings> fast;
  /// Uses x.f32.
  void (*matmul_exact)(const MatmulTask& task);
  /// out = x / sqrt(mean(x^2) + eps) * weight, (k) f32; all NaN when the sum of squares is not finite.
  void (*rms_norm)(const float* x, const float* weight, int64_t k, float eps, float* out);
  /// Rotates `heads` heads of head_dim in place. cos, sin: (head_dim / 2). Pairs (2i, 2i+1) if interleaved, else (i, i + d/2).
  void (*rope)(float* x, int64_t heads, int64_t head_dim, const float* cos, const float* sin, bool interleaved);
  /// out = gate * sigmoid(gate) * up, (k) f32; out may be gate.
  void (*swiglu)(const float* gate, const float* up, int64_t k, float* out);
  /// x += y, (k) f32.
  void (*add)(float* x, const float* y, int64_t k);
  /// f32 to f16, round to nearest even, (k).
  void (*to_f16)(const float* x, int64_t k, uint16_t* out);
  /// out = exp((x - max(x)) * inverse_temperature), (k); returns the sum in double.
  double (*softmax_weights)(const float* x, int64_t k, float inverse_temperature, float* out);
  void (*attention)(const AttentionTask& task);
};

[[nodiscard]] inline const FastProduct& fast_product(const Kernels& kernels, Packing packing) {
  return kernels.fast[static_cast<std::size_t>(packing)];
}
[[nodiscard]] int64_t matmul_scratch_bytes(int64_t k);
[[nodiscard]] int64_t attention_scratch_floats(int64_t group, int64_t head_dim);

/// Names of the sets that this build has and this processor can run, best first; "reference" is always the last.
[[nodiscard]] std::vector<std::string> available_isas();
/// `isa` empty = the best. @throws Error usage naming what there is.
[[nodiscard]] const Kernels& kernels_for(std::string_view isa);

}  // namespace ifm
