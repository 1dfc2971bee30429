#include "inferometer/kernel/avx2/avx2.h"
#include "inferometer/kernel/avx2/vector.h"

namespace ifm::avx2 {
namespace {

/// R unpacked rows times T tokens. Each sum runs over k in steps of 8 in one accumulator, whatever R and T are.
template <int R, int T>
void dot_tile(const float* weights, int64_t stride, const float* x, int64_t k, float* out, int64_t out_stride) {
  __m256 sums[R][T];
  for (int r = 0; r < R; ++r) {
    for (int t = 0; t < T; ++t) sums[r][t] = _mm256_setzero_ps();
  }
  int64_t i = 0;
  for (; i + 8 <= k; i += 8) {
    __m256 w[R];
    for (int r = 0; r < R; ++r) w[r] = _mm256_loadu_ps(weights + r * stride + i);
    for (int t = 0; t < T; ++t) {
      const __m256 v = _mm256_loadu_ps(x + t * k + i);
      for (int r = 0; r < R; ++r) sums[r][t] = _mm256_fmadd_ps(w[r], v, sums[r][t]);
    }
  }
  for (int r = 0; r < R; ++r) {
    for (int t = 0; t < T; ++t) {
      float sum = sum8(sums[r][t]);
      for (int64_t j = i; j < k; ++j) sum += weights[r * stride + j] * x[t * k + j];
      out[t * out_stride + r] = sum;
    }
  }
}

template <int R>
void row_block(const MatmulTask& task, int64_t row) {
  const WeightMatrix& w = *task.weights;
  auto* weights = static_cast<float*>(task.scratch);
  const int64_t stride = (w.cols + 15) / 16 * 16;
  for (int r = 0; r < R; ++r) unpack_f32(w, row + r, weights + r * stride);
  int64_t t = task.token_begin;
  for (; t + 4 <= task.token_end; t += 4) {
    dot_tile<R, 4>(weights, stride, task.x->f32 + t * w.cols, w.cols, task.out + t * task.out_stride + row, task.out_stride);
  }
  for (; t < task.token_end; ++t) {
    dot_tile<R, 1>(weights, stride, task.x->f32 + t * w.cols, w.cols, task.out + t * task.out_stride + row, task.out_stride);
  }
}

}  // namespace

void matmul_exact(const MatmulTask& task) {
  int64_t row = task.row_begin;
  for (; row + 2 <= task.row_end; row += 2) row_block<2>(task, row);
  for (; row < task.row_end; ++row) row_block<1>(task, row);
}

}  // namespace ifm::avx2
