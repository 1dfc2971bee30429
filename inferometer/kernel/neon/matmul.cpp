#include "inferometer/kernel/neon/neon.h"
#include "inferometer/kernel/neon/weights.h"

namespace ifm::neon {
namespace {

template <Packing packing>
inline constexpr int64_t kSize = packing == Packing::f32 ? 4 : 2;

template <Packing packing>
float32x4_t load(const std::byte* p) {
  if constexpr (packing == Packing::f32) return load_f32(p);
  if constexpr (packing == Packing::f16) return load_f16(p);
  return load_bf16(p);
}

template <Packing packing>
float load_one(const std::byte* p) {
  if constexpr (packing == Packing::f32) return one_f32(p);
  if constexpr (packing == Packing::f16) return one_f16(p);
  return one_bf16(p);
}

/// R rows, `stride` bytes apart, times T tokens. Each sum runs over k in steps of 8 in two accumulators, whatever R and T are.
template <Packing packing, int R, int T>
void dot_tile(const std::byte* weights, int64_t stride, const float* x, int64_t k, float* out, int64_t out_stride) {
  float32x4_t sums[R][T][2];
  for (int r = 0; r < R; ++r) {
    for (int t = 0; t < T; ++t) sums[r][t][0] = sums[r][t][1] = vdupq_n_f32(0);
  }
  int64_t i = 0;
  for (; i + 8 <= k; i += 8) {
    for (int j = 0; j < 2; ++j) {
      float32x4_t w[R];
      for (int r = 0; r < R; ++r) w[r] = load<packing>(weights + r * stride + (i + 4 * j) * kSize<packing>);
      for (int t = 0; t < T; ++t) {
        const float32x4_t v = vld1q_f32(x + t * k + i + 4 * j);
        for (int r = 0; r < R; ++r) sums[r][t][j] = vfmaq_f32(sums[r][t][j], w[r], v);
      }
    }
  }
  for (int r = 0; r < R; ++r) {
    for (int t = 0; t < T; ++t) {
      float sum = vaddvq_f32(vaddq_f32(sums[r][t][0], sums[r][t][1]));
      for (int64_t j = i; j < k; ++j) sum += load_one<packing>(weights + r * stride + j * kSize<packing>) * x[t * k + j];
      out[t * out_stride + r] = sum;
    }
  }
}

template <Packing packing, int R>
void all_tokens(const MatmulTask& task, const std::byte* weights, int64_t stride, int64_t row) {
  const int64_t k = task.weights->cols;
  int64_t t = task.token_begin;
  for (; t + 4 <= task.token_end; t += 4) {
    dot_tile<packing, R, 4>(weights, stride, task.x->f32 + t * k, k, task.out + t * task.out_stride + row, task.out_stride);
  }
  for (; t < task.token_end; ++t) {
    dot_tile<packing, R, 1>(weights, stride, task.x->f32 + t * k, k, task.out + t * task.out_stride + row, task.out_stride);
  }
}

template <Packing packing>
void expand_row(const std::byte* data, const float* scales, const float* biases, int64_t cols, float* out) {
  constexpr int kPerScale = 32 / kScales<packing>;
  for (int64_t c = 0; c < cols / 32; ++c) {
    const Chunk chunk = chunk_of<packing>(data, c);
    const int16x8_t wide[4] = {vmovl_s8(vget_low_s8(chunk.first)), vmovl_high_s8(chunk.first),
                               vmovl_s8(vget_low_s8(chunk.second)), vmovl_high_s8(chunk.second)};
    for (int i = 0; i < 8; ++i) {
      const int16x8_t eight = wide[i / 2];
      const float32x4_t q = vcvtq_f32_s32(i % 2 == 0 ? vmovl_s16(vget_low_s16(eight)) : vmovl_high_s16(eight));
      const float32x4_t scaled = vmulq_n_f32(q, scales[c * kScales<packing> + 4 * i / kPerScale]);
      vst1q_f32(out + 32 * c + 4 * i, kBiased<packing> ? vaddq_f32(scaled, vdupq_n_f32(biases[c])) : scaled);
    }
  }
}

template <Packing packing>
void multiply_expanded(const MatmulTask& task) {
  const WeightMatrix& w = *task.weights;
  auto* rows = static_cast<float*>(task.scratch);  // (2, cols)
  float* scales = rows + 2 * w.cols;
  float* biases = scales + w.cols / 16;
  for (int64_t row = task.row_begin; row < task.row_end; row += 2) {
    const int64_t count = task.row_end - row < 2 ? 1 : 2;
    for (int64_t r = 0; r < count; ++r) {
      row_scales(w, row + r, 0, w.cols / 32, 1, scales, biases);
      expand_row<packing>(w.data + (row + r) * w.row_bytes, scales, biases, w.cols, rows + r * w.cols);
    }
    const auto* expanded = reinterpret_cast<const std::byte*>(rows);
    if (count == 2) {
      all_tokens<Packing::f32, 2>(task, expanded, 4 * w.cols, row);
    } else {
      all_tokens<Packing::f32, 1>(task, expanded, 4 * w.cols, row);
    }
  }
}

template <Packing packing>
void plain_rows(const MatmulTask& task) {
  const WeightMatrix& w = *task.weights;
  int64_t row = task.row_begin;
  for (; row + 2 <= task.row_end; row += 2) all_tokens<packing, 2>(task, w.data + row * w.row_bytes, w.row_bytes, row);
  for (; row < task.row_end; ++row) all_tokens<packing, 1>(task, w.data + row * w.row_bytes, w.row_bytes, row);
}

struct Expanded {
  template <Packing packing>
  static constexpr Product product() {
    return {nullptr, multiply_expanded<packing>};
  }
};

struct Plain {
  template <Packing packing>
  static constexpr Product product() {
    return {nullptr, plain_rows<packing>};
  }
};

}  // namespace

constexpr ProductTable kIntegerProducts = integer_products<Expanded>();
constexpr ProductTable kPlainProducts = products_of<Plain, Packing::f32, Packing::f16, Packing::bf16>();

}  // namespace ifm::neon
