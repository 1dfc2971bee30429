#include "inferometer/kernel/neon/neon.h"
#include "inferometer/kernel/neon/vector.h"

namespace ifm::neon {
namespace {

/// The running softmax of one query: everything seen so far is exp(score - top), summed in `total` and in out.
struct Query {
  float* top;
  float* total;
  float* out;  // (head_dim)
};

void expand_f16(const uint16_t* from, int64_t count, float* to) {
  for (int64_t i = 0; i < count; i += 4) vst1q_f32(to + i, load_f16(from + i));
}

/// The sums of four vectors as the lanes of one.
float32x4_t sum4_each(const float32x4_t* v) { return vpaddq_f32(vpaddq_f32(v[0], v[1]), vpaddq_f32(v[2], v[3])); }

/// scores[j] = q . k[j] * scale for a block of keys; those at and after `keys` become -inf. Returns the largest.
float block_scores(const float* q, const float* k, int64_t d, int64_t keys, float scale, float* scores) {
  const float32x4_t unseen = vdupq_n_f32(-__builtin_inff());
  const int32_t lanes[4] = {0, 1, 2, 3};
  float32x4_t top = unseen;
  for (int64_t j = 0; j < kAttentionKeys; j += 8) {
    float32x4_t sums[8];
    for (float32x4_t& sum : sums) sum = vdupq_n_f32(0);
    if (j < keys) {
      for (int64_t i = 0; i < d; i += 4) {
        const float32x4_t v = vld1q_f32(q + i);
        for (int64_t r = 0; r < 8; ++r) sums[r] = vfmaq_f32(sums[r], v, vld1q_f32(k + (j + r) * d + i));
      }
    }
    for (int64_t r = 0; r < 8; r += 4) {
      const int32x4_t lane = vaddq_s32(vld1q_s32(lanes), vdupq_n_s32(static_cast<int32_t>(j + r)));
      const uint32x4_t seen = vcgtq_s32(vdupq_n_s32(static_cast<int32_t>(keys)), lane);
      const float32x4_t score = vbslq_f32(seen, vmulq_n_f32(sum4_each(sums + r), scale), unseen);
      vst1q_f32(scores + j + r, score);
      top = vmaxq_f32(top, score);
    }
  }
  return vmaxvq_f32(top);
}

/// out = out * fade + sum of p[j] * v[j], N * 4 columns at a time so that the sums stay in registers.
template <int N>
int64_t add_columns(const float* p, const float* v, int64_t d, int64_t keys, float fade, int64_t i, float* out) {
  for (; i + 4 * N <= d; i += 4 * N) {
    float32x4_t sums[N];
    for (int c = 0; c < N; ++c) sums[c] = vmulq_n_f32(vld1q_f32(out + i + 4 * c), fade);
    for (int64_t j = 0; j < keys; ++j) {
      for (int c = 0; c < N; ++c) sums[c] = vfmaq_n_f32(sums[c], vld1q_f32(v + j * d + i + 4 * c), p[j]);
    }
    for (int c = 0; c < N; ++c) vst1q_f32(out + i + 4 * c, sums[c]);
  }
  return i;
}

void take_block(const Query& query, const float* q, const float* k, const float* v, int64_t d, int64_t keys, float scale,
                float* scores) {
  const float block_top = block_scores(q, k, d, keys, scale, scores);
  const float top = block_top > *query.top ? block_top : *query.top;
  const float fade = vgetq_lane_f32(exp4(vdupq_n_f32(*query.top - top)), 0);
  float32x4_t total = vdupq_n_f32(0);
  for (int64_t j = 0; j < kAttentionKeys; j += 4) {
    const float32x4_t p = exp4(vsubq_f32(vld1q_f32(scores + j), vdupq_n_f32(top)));
    vst1q_f32(scores + j, p);
    total = vaddq_f32(total, p);
  }
  *query.total = *query.total * fade + vaddvq_f32(total);
  *query.top = top;
  const int64_t done = add_columns<16>(scores, v, d, keys, fade, 0, query.out);
  add_columns<2>(scores, v, d, keys, fade, done, query.out);
}

}  // namespace

void attention(const AttentionTask& task) {
  const int64_t d = task.head_dim;
  const int64_t rows = (task.token_end - task.token_begin) * task.group;
  float* k = task.scratch;
  float* v = k + kAttentionKeys * d;
  float* scores = v + kAttentionKeys * d;
  float* tops = scores + kAttentionKeys;
  float* totals = tops + rows;
  const auto head_of = [&task](int64_t r) {
    return (task.token_begin + r / task.group) * task.heads + task.first_head + r % task.group;
  };
  for (int64_t r = 0; r < rows; ++r) {
    tops[r] = -3.0e38F;
    totals[r] = 0;
    float* out = task.out + head_of(r) * d;
    for (int64_t i = 0; i < d; ++i) out[i] = 0;
  }
  const int64_t all_keys = task.position + task.token_end;
  for (int64_t block = 0; block < all_keys; block += kAttentionKeys) {
    const int64_t here = all_keys - block < kAttentionKeys ? all_keys - block : kAttentionKeys;
    expand_f16(task.k + block * d, here * d, k);
    expand_f16(task.v + block * d, here * d, v);
    for (int64_t i = here * d; i < (here + 7) / 8 * 8 * d; ++i) k[i] = 0;  // the score loop takes eight keys at a time
    for (int64_t r = 0; r < rows; ++r) {
      int64_t keys = task.position + task.token_begin + r / task.group + 1 - block;
      if (keys <= 0) continue;
      if (keys > kAttentionKeys) keys = kAttentionKeys;
      const int64_t head = head_of(r);
      take_block({tops + r, totals + r, task.out + head * d}, task.q + head * d, k, v, d, keys, task.scale, scores);
    }
  }
  for (int64_t r = 0; r < rows; ++r) {
    float* out = task.out + head_of(r) * d;
    for (int64_t i = 0; i < d; ++i) out[i] /= totals[r];
  }
}

}  // namespace ifm::neon
