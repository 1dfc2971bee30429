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

/// Tokens that a Rounding takes together: parts of a batch begin at multiples of it.
inline constexpr int64_t kRoundedTokens = 4;

/// One way of rounding the inputs of integer products. What it writes is understood only by the products that name it.
struct Rounding {
  /// Says the numbers that are left, not the order of their bytes: rounded_values() defines each name.
  std::string_view name;
  /// Bytes of n rounded tokens of k values; k % 32 == 0.
  int64_t (*bytes)(int64_t n, int64_t k) = nullptr;
  /// Rounds the tokens [begin, end) of x (n, k); begin % kRoundedTokens == 0, and end too or end == n. out: bytes(n, k) bytes,
  /// 64-byte aligned, shared by all parts of a batch. Tokens that hold a value that is not finite become NaN in every product.
  void (*round)(const float* x, int64_t n, int64_t k, int64_t begin, int64_t end, std::byte* out) = nullptr;
};

/// The inputs of a matrix product for n tokens. Does not own.
struct Activations {
  int64_t n = 0;
  int64_t k = 0;
  const float* f32 = nullptr;          ///< (n, k)
  const std::byte* rounded = nullptr;  ///< what the product's rounding wrote; null where it has none
};

/// A part of out = x . W^T: rows [row_begin, row_end) of W for tokens [token_begin, token_end).
struct MatmulTask {
  const WeightMatrix* weights = nullptr;
  const Activations* x = nullptr;
  float* out = nullptr;  ///< (n, out_stride) f32, column = row of W; must not overlap x
  int64_t out_stride = 0;
  int64_t row_begin = 0, row_end = 0;
  int64_t token_begin = 0, token_end = 0;  ///< as a Rounding's parts
  void* scratch = nullptr;                 ///< matmul_scratch_bytes(n, k) bytes, 64-byte aligned, of this thread alone
};

/// How one packing is multiplied: the rounding of its inputs (null: it reads f32) and the product of what was rounded. Packings
/// that share a rounding share one rounded input.
struct Product {
  const Rounding* rounding = nullptr;
  void (*multiply)(const MatmulTask& task) = nullptr;
  /// Tokens that a task should hold at most: the inputs of more would not stay in the caches between rows.
  int64_t tokens = 64;
};
inline constexpr int64_t kAllTokens = INT64_MAX;
using ProductTable = std::array<Product, kPackings>;

/// What tokens of one forward pass are to each other: steps of different sequences (or of one that is being checked), whose
/// results must not depend on their company, or a piece of one prompt.
enum class Phase { decode, prefill };

/// Keys and values of one layer and KV head, in pages of kAttentionKeys positions. Does not own.
struct KvPages {
  /// Page table[i], of positions i * kAttentionKeys and on, lies at base + table[i] * page_bytes: keys (head_dim, kAttentionKeys)
  /// f16, rotated, so that the scores of a page's keys run along the lanes, then values (kAttentionKeys, head_dim) f16.
  const std::byte* base = nullptr;
  const int32_t* table = nullptr;
  int64_t page_bytes = 0;
};

/// Attention of the query heads that share one KV head, for queries [token_begin, token_end) of one sequence, over those of the
/// keys [key_begin, key_end) that each query sees: positions up to its own.
struct AttentionTask {
  const float* q = nullptr;  ///< (n, heads, head_dim) f32, rotated
  KvPages kv;
  float* out = nullptr;               ///< (n, heads, head_dim) f32; zeros where a query sees no key
  float* sums = nullptr;              ///< (n, heads, 2) f32 or null: {top, total}, see merge_attention
  int64_t heads = 0, head_dim = 0;    ///< head_dim % 8 == 0
  int64_t first_head = 0, group = 0;  ///< query heads [first_head, first_head + group)
  int64_t position = 0;               ///< of query 0
  int64_t token_begin = 0, token_end = 0;
  int64_t key_begin = 0, key_end = 0;  ///< key_begin % kAttentionKeys == 0; key_end may lie beyond the last query's position
  float scale = 1.0F;                  ///< 1 / sqrt(head_dim)
  float* scratch = nullptr;            ///< attention_scratch_floats(...) floats, 64-byte aligned, of this thread alone
};

/// Rows that a product of many tokens takes together, and that the pool hands out at a time.
inline constexpr int64_t kMatmulRows = 32;
/// Bytes of their decoded weights that a product may keep in its scratch memory.
inline constexpr int64_t kPanelBytes = 64 * 1024;
/// Tokens that one AttentionTask may hold.
inline constexpr int64_t kAttentionTokens = 16;
/// Key positions that attention takes at a time; blocks start at multiples of it, so results do not depend on how a prompt is
/// cut. Also the positions of a page.
inline constexpr int64_t kAttentionKeys = 64;

/// One instruction set's functions. All are thread-safe and allocate nothing. Every output element is computed by the same
/// operations in the same order however the work is cut, so results do not depend on threads or on a batch's other tokens. A set
/// leaves null what it does no better than the next one; dispatch fills it in.
struct Kernels {
  std::string_view isa;
  /// By packing. Plain packings round nothing.
  ProductTable fast_decode, fast_prefill, exact_decode, exact_prefill;
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
  /// The largest of x, (k), k > 0; NaN when one of them is not finite.
  float (*largest)(const float* x, int64_t k);
  /// out = exp((x - top) * inverse_temperature), (k), x <= top; returns the sum in double.
  double (*exp_weights)(const float* x, int64_t k, float top, float inverse_temperature, float* out);
  /// How many of x, (k), are larger than bound, and their sum in double.
  int64_t (*count_above)(const float* x, int64_t k, float bound);
  double (*sum_above)(const float* x, int64_t k, float bound);
  /// The indices i with low <= x[i] <= high, ascending, (k); returns how many. out: (k), scratch after the last index.
  int64_t (*indices_within)(const float* x, int64_t k, float low, float high, int32_t* out);
  /// A query's result depends on its keys and on key_begin and key_end only, not on the task's other queries.
  void (*attention)(const AttentionTask& task);
};

[[nodiscard]] const Product& product(const Kernels& kernels, Accuracy accuracy, Phase phase, Packing packing);
[[nodiscard]] int64_t matmul_scratch_bytes(int64_t n, int64_t k);
[[nodiscard]] int64_t attention_scratch_floats(int64_t group, int64_t head_dim);

/// Names of the sets that this build has and this processor can run, best first; "reference" is always the last. The environment
/// variable IFM_ISA takes away those that stand before the one that it names.
[[nodiscard]] std::vector<std::string> available_isas();
/// What a user of a processor for which there are only the reference's kernels should know, in a line; else empty.
[[nodiscard]] std::string plain_code_note();
/// `isa` empty = the best. @throws Error usage naming what there is, also when IFM_ISA names something else.
[[nodiscard]] const Kernels& kernels_for(std::string_view isa);

}  // namespace ifm
