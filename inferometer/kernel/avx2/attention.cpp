#include "inferometer/kernel/avx2/avx2.h"
#include "inferometer/kernel/avx2/vector.h"

namespace ifm::avx2 {
namespace {

/// The running softmax of one query: everything seen so far is exp(score - top), summed in `total` and in out.
struct Query {
  float* top;
  float* total;
  float* out;  // (head_dim)
};

void expand_f16(const uint16_t* from, int64_t count, float* to) {
  for (int64_t i = 0; i < count; i += 8) _mm256_storeu_ps(to + i, load_f16(from + i));
}

/// scores[j] = q . k[j] * scale for a block of keys; those at and after `keys` become -inf. Returns the largest.
float block_scores(const float* q, const float* k, int64_t d, int64_t keys, float scale, float* scores) {
  __m256 top = _mm256_set1_ps(-__builtin_inff());
  for (int64_t j = 0; j < kAttentionKeys; j += 8) {
    __m256 sums[8];
    for (__m256& sum : sums) sum = _mm256_setzero_ps();
    if (j < keys) {
      for (int64_t i = 0; i < d; i += 8) {
        const __m256 v = _mm256_loadu_ps(q + i);
        for (int64_t r = 0; r < 8; ++r) sums[r] = _mm256_fmadd_ps(v, _mm256_loadu_ps(k + (j + r) * d + i), sums[r]);
      }
    }
    const __m256i lane = _mm256_add_epi32(_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), _mm256_set1_epi32(static_cast<int>(j)));
    const __m256 seen = _mm256_castsi256_ps(_mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(keys)), lane));
    const __m256 score = _mm256_mul_ps(sum8_each(sums), _mm256_set1_ps(scale));
    const __m256 masked = _mm256_blendv_ps(_mm256_set1_ps(-__builtin_inff()), score, seen);
    _mm256_storeu_ps(scores + j, masked);
    top = _mm256_max_ps(top, masked);
  }
  return max8(top);
}

/// out = out * fade + sum of p[j] * v[j], 32 columns at a time so that the sums stay in registers.
void add_values(const float* p, const float* v, int64_t d, int64_t keys, float fade, float* out) {
  int64_t i = 0;
  for (; i + 32 <= d; i += 32) {
    __m256 sums[4];
    for (int64_t c = 0; c < 4; ++c) sums[c] = _mm256_mul_ps(_mm256_loadu_ps(out + i + 8 * c), _mm256_set1_ps(fade));
    for (int64_t j = 0; j < keys; ++j) {
      const __m256 weight = _mm256_broadcast_ss(p + j);
      for (int64_t c = 0; c < 4; ++c) sums[c] = _mm256_fmadd_ps(weight, _mm256_loadu_ps(v + j * d + i + 8 * c), sums[c]);
    }
    for (int64_t c = 0; c < 4; ++c) _mm256_storeu_ps(out + i + 8 * c, sums[c]);
  }
  for (; i < d; i += 8) {
    __m256 sum = _mm256_mul_ps(_mm256_loadu_ps(out + i), _mm256_set1_ps(fade));
    for (int64_t j = 0; j < keys; ++j) sum = _mm256_fmadd_ps(_mm256_broadcast_ss(p + j), _mm256_loadu_ps(v + j * d + i), sum);
    _mm256_storeu_ps(out + i, sum);
  }
}

void take_block(const Query& query, const float* q, const float* k, const float* v, int64_t d, int64_t keys, float scale,
                float* scores) {
  const float block_top = block_scores(q, k, d, keys, scale, scores);
  const float top = block_top > *query.top ? block_top : *query.top;
  const float fade = _mm256_cvtss_f32(exp8(_mm256_set1_ps(*query.top - top)));
  __m256 total = _mm256_setzero_ps();
  for (int64_t j = 0; j < kAttentionKeys; j += 8) {
    const __m256 p = exp8(_mm256_sub_ps(_mm256_loadu_ps(scores + j), _mm256_set1_ps(top)));
    _mm256_storeu_ps(scores + j, p);
    total = _mm256_add_ps(total, p);
  }
  *query.total = *query.total * fade + sum8(total);
  *query.top = top;
  add_values(scores, v, d, keys, fade, query.out);
}

}  // namespace

void attention(const AttentionTask& task) {
  const int64_t d = task.head_dim;
  const int64_t tokens = task.token_end - task.token_begin;
  const int64_t rows = tokens * task.group;
  float* k = task.scratch;
  float* v = k + kAttentionKeys * d;
  float* scores = v + kAttentionKeys * d;
  float* tops = scores + kAttentionKeys;
  float* totals = tops + rows;
  for (int64_t r = 0; r < rows; ++r) {
    tops[r] = -3.0e38F;
    totals[r] = 0;
    float* out = task.out + ((task.token_begin + r / task.group) * task.heads + task.first_head + r % task.group) * d;
    for (int64_t i = 0; i < d; ++i) out[i] = 0;
  }
  const int64_t all_keys = task.position + task.token_end;
  for (int64_t block = 0; block < all_keys; block += kAttentionKeys) {
    const int64_t here = all_keys - block < kAttentionKeys ? all_keys - block : kAttentionKeys;
    expand_f16(task.k + block * d, here * d, k);
    expand_f16(task.v + block * d, here * d, v);
    for (int64_t i = here * d; i < (here + 7) / 8 * 8 * d; ++i) k[i] = 0;  // the score loop takes eight keys at a time
    for (int64_t r = 0; r < rows; ++r) {
      const int64_t token = task.token_begin + r / task.group;
      int64_t keys = task.position + token + 1 - block;
      if (keys <= 0) continue;
      if (keys > kAttentionKeys) keys = kAttentionKeys;
      const int64_t head = token * task.heads + task.first_head + r % task.group;
      take_block({tops + r, totals + r, task.out + head * d}, task.q + head * d, k, v, d, keys, task.scale, scores);
    }
  }
  for (int64_t r = 0; r < rows; ++r) {
    float* out = task.out + ((task.token_begin + r / task.group) * task.heads + task.first_head + r % task.group) * d;
    for (int64_t i = 0; i < d; ++i) out[i] /= totals[r];
  }
}

}  // namespace ifm::avx2
