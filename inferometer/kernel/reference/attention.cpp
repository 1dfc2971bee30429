#include <cmath>
#include <limits>
#include <vector>

#include "inferometer/kernel/reference/reference.h"
#include "inferometer/tensor/dtype.h"

namespace ifm::reference {

void attention(const AttentionTask& task) {
  const int64_t d = task.head_dim;
  std::vector<double> p;
  for (int64_t t = task.token_begin; t < task.token_end; ++t) {
    const int64_t keys = task.position + t + 1;
    p.resize(static_cast<std::size_t>(keys));
    for (int64_t h = task.first_head; h < task.first_head + task.group; ++h) {
      const float* q = task.q + (t * task.heads + h) * d;
      double top = -std::numeric_limits<double>::infinity();
      for (int64_t j = 0; j < keys; ++j) {
        double score = 0;
        for (int64_t i = 0; i < d; ++i) score += static_cast<double>(q[i]) * static_cast<double>(f16_to_f32(task.k[j * d + i]));
        p[static_cast<std::size_t>(j)] = score * static_cast<double>(task.scale);
        top = std::fmax(top, p[static_cast<std::size_t>(j)]);
      }
      double total = 0;
      for (double& value : p) total += value = std::exp(value - top);
      float* out = task.out + (t * task.heads + h) * d;
      for (int64_t i = 0; i < d; ++i) {
        double sum = 0;
        for (int64_t j = 0; j < keys; ++j)
          sum += p[static_cast<std::size_t>(j)] * static_cast<double>(f16_to_f32(task.v[j * d + i]));
        out[i] = static_cast<float>(sum / total);
      }
    }
  }
}

}  // namespace ifm::reference
