#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "inferometer/kernel/reference/reference.h"
#include "inferometer/tensor/dtype.h"

namespace ifm::reference {
namespace {

/// Keys and values of one page as numbers.
struct Page {
  Page(const AttentionTask& task, int64_t position)
      : keys(reinterpret_cast<const uint16_t*>(task.kv.base + task.kv.table[position / kAttentionKeys] * task.kv.page_bytes)),
        head_dim(task.head_dim) {}
  [[nodiscard]] double key(int64_t position, int64_t i) const {
    return static_cast<double>(f16_to_f32(keys[i * kAttentionKeys + position % kAttentionKeys]));
  }
  [[nodiscard]] double value(int64_t position, int64_t i) const {
    return static_cast<double>(f16_to_f32(keys[(kAttentionKeys + position % kAttentionKeys) * head_dim + i]));
  }
  const uint16_t* keys;
  int64_t head_dim;
};

/// One query, (head_dim), over the keys [begin, end).
void one_query(const AttentionTask& task, const float* q, int64_t begin, int64_t end, float* out, float* sums) {
  std::vector<double> p;
  double top = -std::numeric_limits<double>::infinity();
  for (int64_t j = begin; j < end; ++j) {
    const Page page(task, j);
    double score = 0;
    for (int64_t i = 0; i < task.head_dim; ++i) score += static_cast<double>(q[i]) * page.key(j, i);
    p.push_back(score * static_cast<double>(task.scale));
    top = std::fmax(top, p.back());
  }
  double total = 0;
  for (double& value : p) total += value = std::exp(value - top);
  for (int64_t i = 0; i < task.head_dim; ++i) {
    double sum = 0;
    for (int64_t j = begin; j < end; ++j) sum += p[static_cast<std::size_t>(j - begin)] * Page(task, j).value(j, i);
    out[i] = begin < end ? static_cast<float>(sum / total) : 0.0F;
  }
  if (sums == nullptr) return;
  sums[0] = static_cast<float>(top / std::numbers::ln2);
  // The total that belongs to the rounded top.
  sums[1] = begin < end ? static_cast<float>(total * std::exp2(top / std::numbers::ln2 - static_cast<double>(sums[0]))) : 0.0F;
}

}  // namespace

void attention(const AttentionTask& task) {
  for (int64_t t = task.token_begin; t < task.token_end; ++t) {
    const int64_t end = std::min(task.key_end, task.position + t + 1);
    for (int64_t h = task.first_head; h < task.first_head + task.group; ++h) {
      const int64_t row = t * task.heads + h;
      float* sums = task.sums == nullptr ? nullptr : task.sums + 2 * row;
      one_query(task, task.q + row * task.head_dim, task.key_begin, end, task.out + row * task.head_dim, sums);
    }
  }
}

}  // namespace ifm::reference
