#pragma once

#include <cstdint>

namespace ifm {

/// One query's attention over parts of its keys, as AttentionTask leaves it for each part.
struct AttentionParts {
  const float* out = nullptr;   ///< part i: (head_dim) f32 at out + i * out_stride
  const float* sums = nullptr;  ///< part i: {top, total} at sums + i * sums_stride, where top is the largest score in units of ln
                                ///< 2 and total is the sum of 2^(score / ln 2 - top); total = 0 where the part has no key
  int64_t out_stride = 0, sums_stride = 0;
  int64_t count = 0;
};

/// Attention over all parts' keys, always in the order of the parts. out: (head_dim) f32.
void merge_attention(const AttentionParts& parts, int64_t head_dim, float* out);

}  // namespace ifm
