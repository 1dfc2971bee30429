#include "inferometer/kernel/avx2/avx2.h"
#include "inferometer/kernel/avx2/vector.h"

// Keys and values meet several query rows (a token's head) at a time: keys of a page run along the lanes of the scores, columns
// of the values along the lanes of the output, so nothing is summed across lanes and the f16 numbers are widened as they are
// used.
namespace ifm::avx2 {
namespace {

/// Query rows that share every load of keys and values.
constexpr int kRows = 6;
/// Below every score: a query that has seen no key yet.
constexpr float kNothing = -3.0e38F;

/// The running softmax of one query: everything seen so far is 2^(score - top), summed in `total` and in out.
struct Query {
  float top;
  float total;
  int64_t keys;  // that it sees of the task's
  float* out;    // (head_dim)
  float* sums;   // {top, total} or null
};

/// to = from (rows x depth, broadcast) . f16 matrix (depth, 16 columns of `stride`), summed over depth in order.
template <int R>
struct Tile {
  __m256 sums[R][2];

  void clear() {
    for (int r = 0; r < R; ++r) sums[r][0] = sums[r][1] = _mm256_setzero_ps();
  }
  /// from: number of row r and depth i at from + r * row_step + i * depth_step.
  void multiply(const float* from, int64_t row_step, int64_t depth_step, const uint16_t* matrix, int64_t stride, int64_t depth) {
    for (int64_t i = 0; i < depth; ++i) {
      const __m256 a = load_f16(matrix + i * stride);
      const __m256 b = load_f16(matrix + i * stride + 8);
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) {
        const __m256 x = _mm256_broadcast_ss(from + r * row_step + i * depth_step);
        sums[r][0] = _mm256_fmadd_ps(x, a, sums[r][0]);
        sums[r][1] = _mm256_fmadd_ps(x, b, sums[r][1]);
      }
    }
  }
};

/// As Tile::multiply for the last 8 columns of a head whose size is no multiple of 16.
void add_last_columns(const float* p, const uint16_t* values, int64_t stride, int64_t keys, float* out) {
  __m256 sum = _mm256_loadu_ps(out);
  for (int64_t j = 0; j < keys; ++j) sum = _mm256_fmadd_ps(_mm256_broadcast_ss(p + j), load_f16(values + j * stride), sum);
  _mm256_storeu_ps(out, sum);
}

/// Scores to weights 2^(score - top), zero beyond `keys`; returns the factor by which what was seen before fades.
float softmax_step(Query& query, float* scores, int64_t keys) {
  const __m256 nothing = _mm256_set1_ps(kNothing);
  __m256 tops = nothing;
  for (int j = 0; j < kAttentionKeys; j += 8) {
    const __m256i lane = _mm256_add_epi32(_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), _mm256_set1_epi32(j));
    const __m256 seen = _mm256_castsi256_ps(_mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(keys)), lane));
    const __m256 score = _mm256_blendv_ps(nothing, _mm256_loadu_ps(scores + j), seen);
    _mm256_storeu_ps(scores + j, score);
    tops = _mm256_max_ps(tops, score);
  }
  const float highest = max8(tops);
  const float top = highest > query.top ? highest : query.top;
  const __m256 ln2 = _mm256_set1_ps(0.693147181F);
  __m256 total = _mm256_setzero_ps();
  for (int64_t j = 0; j < kAttentionKeys; j += 8) {
    const __m256 p = exp8(_mm256_mul_ps(_mm256_sub_ps(_mm256_loadu_ps(scores + j), _mm256_set1_ps(top)), ln2));
    _mm256_storeu_ps(scores + j, p);
    total = _mm256_add_ps(total, p);
  }
  const float fade = _mm256_cvtss_f32(exp8(_mm256_mul_ps(_mm256_set1_ps(query.top - top), ln2)));
  query.total = query.total * fade + sum8(total);
  query.top = top;
  return fade;
}

/// One page for R rows. q: (head_dim, R), in units in which 2^score counts. `keys` of the page are seen by some row.
template <int R>
void take_page(const AttentionTask& task, Query* rows, const float* q, int64_t block, int64_t keys) {
  const int64_t d = task.head_dim;
  const auto* page = reinterpret_cast<const uint16_t*>(task.kv.base + task.kv.table[block / kAttentionKeys] * task.kv.page_bytes);
  const uint16_t* values = page + d * kAttentionKeys;
  alignas(32) float scores[R][kAttentionKeys];
  Tile<R> tile;
  for (int64_t j = 0; j < kAttentionKeys; j += 16) {
    tile.clear();
    if (j < keys) tile.multiply(q, 1, R, page + j, kAttentionKeys, d);
    for (int r = 0; r < R; ++r) {
      _mm256_store_ps(scores[r] + j, tile.sums[r][0]);
      _mm256_store_ps(scores[r] + j + 8, tile.sums[r][1]);
    }
  }
  float fade[R];
  for (int r = 0; r < R; ++r) fade[r] = softmax_step(rows[r], scores[r], rows[r].keys - (block - task.key_begin));
  for (int64_t i = 0; i + 16 <= d; i += 16) {
    for (int r = 0; r < R; ++r) {
      const __m256 factor = _mm256_set1_ps(fade[r]);
      tile.sums[r][0] = _mm256_mul_ps(_mm256_loadu_ps(rows[r].out + i), factor);
      tile.sums[r][1] = _mm256_mul_ps(_mm256_loadu_ps(rows[r].out + i + 8), factor);
    }
    tile.multiply(scores[0], kAttentionKeys, 1, values + i, d, keys);
    for (int r = 0; r < R; ++r) {
      _mm256_storeu_ps(rows[r].out + i, tile.sums[r][0]);
      _mm256_storeu_ps(rows[r].out + i + 8, tile.sums[r][1]);
    }
  }
  if (d % 16 == 0) return;
  for (int r = 0; r < R; ++r) {
    float* out = rows[r].out + d - 8;
    _mm256_storeu_ps(out, _mm256_mul_ps(_mm256_loadu_ps(out), _mm256_set1_ps(fade[r])));
    add_last_columns(scores[r], values + d - 8, d, keys, out);
  }
}

/// Query rows [first, first + R), row = (token, head of the group).
template <int R>
void take_rows(const AttentionTask& task, int64_t first) {
  const int64_t d = task.head_dim;
  const float units = task.scale * 1.44269504F;
  Query rows[R];
  int64_t most = 0;
  for (int r = 0; r < R; ++r) {
    const int64_t token = task.token_begin + (first + r) / task.group;
    const int64_t row = token * task.heads + task.first_head + (first + r) % task.group;
    const int64_t end = task.position + token + 1 < task.key_end ? task.position + token + 1 : task.key_end;
    rows[r] = {kNothing, 0, end - task.key_begin, task.out + row * d, task.sums == nullptr ? nullptr : task.sums + 2 * row};
    most = rows[r].keys > most ? rows[r].keys : most;
    for (int64_t i = 0; i < d; ++i) {
      task.scratch[i * R + r] = task.q[row * d + i] * units;
      rows[r].out[i] = 0;
    }
  }
  for (int64_t block = 0; block < most; block += kAttentionKeys) {
    const int64_t keys = most - block < kAttentionKeys ? most - block : kAttentionKeys;
    take_page<R>(task, rows, task.scratch, task.key_begin + block, keys);
  }
  for (const Query& row : rows) {
    for (int64_t i = 0; row.keys > 0 && i < d; ++i) row.out[i] /= row.total;
    if (row.sums == nullptr) continue;
    row.sums[0] = row.top;
    row.sums[1] = row.total;
  }
}

}  // namespace

void attention(const AttentionTask& task) {
  const int64_t rows = (task.token_end - task.token_begin) * task.group;
  int64_t r = 0;
  for (; r + kRows <= rows; r += kRows) take_rows<kRows>(task, r);
  for (; r + 4 <= rows; r += 4) take_rows<4>(task, r);
  for (; r + 2 <= rows; r += 2) take_rows<2>(task, r);
  for (; r < rows; ++r) take_rows<1>(task, r);
}

}  // namespace ifm::avx2
