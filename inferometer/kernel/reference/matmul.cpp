#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "inferometer/kernel/eights.h"
#include "inferometer/kernel/reference/reference.h"

namespace ifm::reference {

void round_eights(const float* x, int64_t n, int64_t k, int64_t begin, int64_t end, std::byte* out) {
  const Eights target = eights_in(out, n, k);
  for (int64_t t = begin; t < end; ++t) {
    const float* row = x + t * k;
    for (int64_t g = 0; g < k / 8; ++g) {
      float top = 0;
      bool finite = true;
      for (int64_t i = 8 * g; i < 8 * g + 8; ++i) {
        top = std::max(top, std::fabs(row[i]));
        finite = finite && std::isfinite(row[i]);
      }
      const float scale = finite ? top / 127.0F : std::numeric_limits<float>::quiet_NaN();
      const float inverse = finite && top > 0 ? 127.0F / top : 0.0F;
      target.scale[t * (k / 8) + g] = scale;
      for (int64_t i = 8 * g; i < 8 * g + 8; ++i) {
        const float scaled = std::min(127.0F, std::max(-127.0F, row[i] * inverse));
        target.q[t * k + i] = finite ? static_cast<int8_t>(std::lrint(scaled)) : int8_t{0};
      }
    }
    for (int64_t g = 0; g < k / 32; ++g) {
      float sum = 0;
      for (int64_t i = 32 * g; i < 32 * g + 32; ++i) {
        sum += target.scale[t * (k / 8) + i / 8] * static_cast<float>(target.q[t * k + i]);
      }
      target.sum[t * (k / 32) + g] = sum;
    }
  }
}

void matmul_fast(const MatmulTask& task) {
  const WeightMatrix& w = *task.weights;
  const Eights x = eights_in(task.x->rounded, task.x->n, task.x->k);
  std::vector<float> weights(static_cast<std::size_t>(w.cols));
  for (int64_t row = task.row_begin; row < task.row_end; ++row) {
    dequantize_row(w, row, weights.data());
    for (int64_t t = task.token_begin; t < task.token_end; ++t) {
      double sum = 0;
      for (int64_t i = 0; i < w.cols; ++i) {
        const float value = x.scale[t * (w.cols / 8) + i / 8] * static_cast<float>(x.q[t * w.cols + i]);
        sum += static_cast<double>(value) * static_cast<double>(weights[static_cast<std::size_t>(i)]);
      }
      task.out[t * task.out_stride + row] = static_cast<float>(sum);
    }
  }
}

void matmul_exact(const MatmulTask& task) {
  const WeightMatrix& w = *task.weights;
  std::vector<float> weights(static_cast<std::size_t>(w.cols));
  for (int64_t row = task.row_begin; row < task.row_end; ++row) {
    dequantize_row(w, row, weights.data());
    for (int64_t t = task.token_begin; t < task.token_end; ++t) {
      double sum = 0;
      for (int64_t i = 0; i < w.cols; ++i) {
        sum += static_cast<double>(task.x->f32[t * w.cols + i]) * static_cast<double>(weights[static_cast<std::size_t>(i)]);
      }
      task.out[t * task.out_stride + row] = static_cast<float>(sum);
    }
  }
}

}  // namespace ifm::reference
