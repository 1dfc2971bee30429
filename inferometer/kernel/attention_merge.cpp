#include "inferometer/kernel/attention_merge.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace ifm {

void merge_attention(const AttentionParts& parts, int64_t head_dim, float* out) {
  float top = -std::numeric_limits<float>::infinity();
  for (int64_t i = 0; i < parts.count; ++i) top = std::max(top, parts.sums[i * parts.sums_stride]);
  const auto weight = [&](int64_t i) {
    const float* sums = parts.sums + i * parts.sums_stride;
    return std::exp2(sums[0] - top) * sums[1];
  };
  float total = 0;
  for (int64_t i = 0; i < parts.count; ++i) total += weight(i);
  bool first = true;
  for (int64_t i = 0; i < parts.count; ++i) {
    const float share = weight(i) / total;
    const float* part = parts.out + i * parts.out_stride;
    if (share == 0) continue;  // a part without keys changes no bit
    for (int64_t d = 0; d < head_dim; ++d) out[d] = first ? share * part[d] : out[d] + share * part[d];
    first = false;
  }
}

}  // namespace ifm
