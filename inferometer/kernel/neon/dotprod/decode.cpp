#include "inferometer/kernel/neon/dotprod/dotprod.h"
#include "inferometer/kernel/neon/rounding.h"
#include "inferometer/kernel/neon/weights.h"

namespace ifm::neon {
namespace {

int8x16_t load(const std::byte* p) { return vld1q_s8(reinterpret_cast<const int8_t*>(p)); }

/// MLX nibbles lie in the file as pairs of neighbours: the even weights are one mask away, the odd ones one shift, and the inputs
/// are split to match. Everything else is taken in order.
template <Packing packing>
inline constexpr bool kSplit = packing == Packing::affine4;

template <Packing packing>
Chunk row_chunk(const std::byte* row, int64_t c) {
  if constexpr (kSplit<packing>) return low_and_high_nibbles(vld1q_u8(reinterpret_cast<const uint8_t*>(row) + 16 * c));
  return chunk_of<packing>(row, c);
}

/// Four dots of 8 weights each, with the digits one after the other: dot = 256 * first + second.
template <Packing packing, int Digits>
float32x4_t dots_of_8(const Chunk& w, const std::byte* x) {
  int32x4_t a = vdupq_n_s32(0);
  int32x4_t b = vdupq_n_s32(0);
  for (int d = 0; d < Digits; ++d) {
    if (d > 0) a = vshlq_n_s32(a, 8);
    a = vdotq_s32(a, w.first, load(x + 32 * d));
    if constexpr (kSplit<packing>) {
      a = vdotq_s32(a, w.second, load(x + 32 * d + 16));
    } else {
      if (d > 0) b = vshlq_n_s32(b, 8);
      b = vdotq_s32(b, w.second, load(x + 32 * d + 16));
    }
  }
  return vcvtq_f32_s32(kSplit<packing> ? a : vpaddq_s32(a, b));
}

/// What a row needs besides its bytes.
struct Row {
  const std::byte* bytes;
  float* scales;
  float* biases;
};

float bias_sum(const float* biases, const std::byte* sums, int64_t chunks) {
  float32x4_t total = vdupq_n_f32(0);
  int64_t c = 0;
  for (; c + 4 <= chunks; c += 4) total = vfmaq_f32(total, vld1q_f32(biases + c), load_f32(sums + 4 * c));
  float sum = vaddvq_f32(total);
  for (; c < chunks; ++c) sum += biases[c] * one_f32(sums + 4 * c);
  return sum;
}

/// sums += chunk c of the row times T tokens.
template <Packing packing, int Digits, int T>
[[gnu::always_inline]] inline void add_chunk(const Row& row, int64_t c, const std::byte* x, int64_t stretch,
                                             float32x4_t (&sums)[T]) {
  const Chunk w = row_chunk<packing>(row.bytes, c);
  const float* s = row.scales + c * kScales<packing>;
  const float32x4_t scale = kScales<packing> == 1 ? vdupq_n_f32(s[0]) : vcombine_f32(vdup_n_f32(s[0]), vdup_n_f32(s[1]));
  for (int t = 0; t < T; ++t) {
    const std::byte* chunk = x + t * stretch + c * kDecodeChunk<Digits>;
    const float32x4_t both = vmulq_f32(load_f32(chunk + 32 * Digits), scale);
    sums[t] = vfmaq_f32(sums[t], dots_of_8<packing, Digits>(w, chunk), both);
  }
}

/// Even and odd chunks have sums of their own: one chain of additions would be slower than memory.
template <Packing packing, int Digits, int T>
void row_times_tokens(const Row& row, const std::byte* x, int64_t k, float* out, int64_t out_stride) {
  const int64_t stretch = decode_stretch<Digits>(k);
  float32x4_t even[T];
  float32x4_t odd[T];
  for (int t = 0; t < T; ++t) even[t] = odd[t] = vdupq_n_f32(0);
  int64_t c = 0;
  for (; c + 2 <= k / 32; c += 2) {
    add_chunk<packing, Digits, T>(row, c, x, stretch, even);
    add_chunk<packing, Digits, T>(row, c + 1, x, stretch, odd);
  }
  if (c < k / 32) add_chunk<packing, Digits, T>(row, c, x, stretch, even);
  for (int t = 0; t < T; ++t) {
    float sum = vaddvq_f32(vaddq_f32(even[t], odd[t]));
    if constexpr (kBiased<packing>) sum += bias_sum(row.biases, x + t * stretch + k / 32 * kDecodeChunk<Digits>, k / 32);
    out[t * out_stride] = sum;
  }
}

template <Packing packing, int Digits>
void multiply(const MatmulTask& task) {
  const WeightMatrix& w = *task.weights;
  const int64_t k = w.cols;
  auto* scales = static_cast<float*>(task.scratch);
  for (int64_t r = task.row_begin; r < task.row_end; ++r) {
    const Row row{w.data + r * w.row_bytes, scales, scales + k / 16};
    row_scales(w, r, 0, k / 32, 1, row.scales, row.biases);
    int64_t t = task.token_begin;
    const std::byte* x = task.x->rounded;
    float* out = task.out + r;
    for (; t + 4 <= task.token_end; t += 4) {
      row_times_tokens<packing, Digits, 4>(row, x + t * decode_stretch<Digits>(k), k, out + t * task.out_stride, task.out_stride);
    }
    for (; t < task.token_end; ++t) {
      row_times_tokens<packing, Digits, 1>(row, x + t * decode_stretch<Digits>(k), k, out + t * task.out_stride, task.out_stride);
    }
  }
}

template <int Digits>
struct Products {
  template <Packing packing>
  static constexpr Product product() {
    return {(kSplit<packing> ? kDecodeSplit : kDecodeInOrder) + (Digits - 1), multiply<packing, Digits>};
  }
};

}  // namespace

constexpr ProductTable kDecodeProducts[2] = {integer_products<Products<1>>(), integer_products<Products<2>>()};

}  // namespace ifm::neon
