#include "inferometer/kernel/neon/neon.h"
#include "inferometer/kernel/neon/vector.h"

// Several query rows (a token's head) share every load of keys and values. The keys of a page run along the lanes of the scores,
// and columns of the values along the lanes of the output, so that nothing is summed across lanes.
namespace ifm::neon {
namespace {

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

/// R rows by 4 V columns: sums += from (rows x depth) . f16 matrix (depth, columns), over depth in order.
template <int R, int V>
struct Tile {
  float32x4_t sums[R][V];

  /// from: number of row r and depth i at from + r * row_step + i * depth_step.
  void multiply(const float* from, int64_t row_step, int64_t depth_step, const uint16_t* matrix, int64_t stride, int64_t depth) {
    for (int64_t i = 0; i < depth; ++i) {
      float32x4_t columns[V];
      for (int v = 0; v < V; ++v) columns[v] = load_f16(matrix + i * stride + 4 * v);
      for (int r = 0; r < R; ++r) {
        const float x = from[r * row_step + i * depth_step];
        for (int v = 0; v < V; ++v) sums[r][v] = vfmaq_n_f32(sums[r][v], columns[v], x);
      }
    }
  }
};

float32x4_t exp2_of(float32x4_t x) { return exp4(vmulq_n_f32(x, 0.693147181F)); }

/// Scores to weights 2^(score - top), zero beyond `keys`; returns the factor by which what was seen before fades.
float softmax_step(Query& query, float* scores, int64_t keys) {
  constexpr int32_t kLanes[4] = {0, 1, 2, 3};
  const int32x4_t end = vdupq_n_s32(static_cast<int32_t>(keys < kAttentionKeys ? keys : kAttentionKeys));
  float32x4_t tops = vdupq_n_f32(kNothing);
  for (int64_t j = 0; j < kAttentionKeys; j += 4) {
    const int32x4_t lane = vaddq_s32(vld1q_s32(kLanes), vdupq_n_s32(static_cast<int32_t>(j)));
    const float32x4_t score = vbslq_f32(vcltq_s32(lane, end), vld1q_f32(scores + j), vdupq_n_f32(kNothing));
    vst1q_f32(scores + j, score);
    tops = vmaxq_f32(tops, score);
  }
  const float highest = vmaxvq_f32(tops);
  const float top = highest > query.top ? highest : query.top;
  float32x4_t total = vdupq_n_f32(0);
  for (int64_t j = 0; j < kAttentionKeys; j += 4) {
    const float32x4_t p = exp2_of(vsubq_f32(vld1q_f32(scores + j), vdupq_n_f32(top)));
    vst1q_f32(scores + j, p);
    total = vaddq_f32(total, p);
  }
  const float fade = vgetq_lane_f32(exp2_of(vdupq_n_f32(query.top - top)), 0);
  query.total = query.total * fade + vaddvq_f32(total);
  query.top = top;
  return fade;
}

/// out = out * fade + weights . values for the columns [begin, end) in steps of 4 V; returns where it stopped.
template <int R, int V>
int64_t add_values(Query* rows, const float (&weights)[R][kAttentionKeys], const float* fade, const uint16_t* values,
                   int64_t keys, int64_t d, int64_t begin) {
  Tile<R, V> tile;
  int64_t i = begin;
  for (; i + 4 * V <= d; i += 4 * V) {
    for (int r = 0; r < R; ++r) {
      for (int v = 0; v < V; ++v) tile.sums[r][v] = vmulq_n_f32(vld1q_f32(rows[r].out + i + 4 * v), fade[r]);
    }
    tile.multiply(weights[0], kAttentionKeys, 1, values + i, d, keys);
    for (int r = 0; r < R; ++r) {
      for (int v = 0; v < V; ++v) vst1q_f32(rows[r].out + i + 4 * v, tile.sums[r][v]);
    }
  }
  return i;
}

/// One page for R rows. q: (head_dim, R), in units in which 2^score counts. `keys` of the page are seen by some row.
template <int R>
void take_page(const AttentionTask& task, Query* rows, const float* q, int64_t block, int64_t keys) {
  const int64_t d = task.head_dim;
  const auto* page = reinterpret_cast<const uint16_t*>(task.kv.base + task.kv.table[block / kAttentionKeys] * task.kv.page_bytes);
  alignas(16) float scores[R][kAttentionKeys];
  Tile<R, 4> tile;
  for (int64_t j = 0; j < kAttentionKeys; j += 16) {
    for (auto& row : tile.sums) {
      for (float32x4_t& sum : row) sum = vdupq_n_f32(0);
    }
    if (j < keys) tile.multiply(q, 1, R, page + j, kAttentionKeys, d);
    for (int r = 0; r < R; ++r) {
      for (int v = 0; v < 4; ++v) vst1q_f32(scores[r] + j + 4 * v, tile.sums[r][v]);
    }
  }
  float fade[R];
  for (int r = 0; r < R; ++r) fade[r] = softmax_step(rows[r], scores[r], rows[r].keys - (block - task.key_begin));
  const uint16_t* values = page + d * kAttentionKeys;
  const int64_t done = add_values<R, 4>(rows, scores, fade, values, keys, d, 0);
  add_values<R, 2>(rows, scores, fade, values, keys, d, done);
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
  for (Query& row : rows) {
    // Beside rows that see keys, one that sees none has weighed them all the same.
    if (row.keys <= 0) row.total = 0;
    for (int64_t i = 0; i < d; ++i) row.out[i] = row.keys > 0 ? row.out[i] / row.total : 0.0F;
    if (row.sums == nullptr) continue;
    row.sums[0] = row.top;
    row.sums[1] = row.total;
  }
}

}  // namespace

void attention(const AttentionTask& task) {
  const int64_t rows = (task.token_end - task.token_begin) * task.group;
  int64_t r = 0;
  for (; r + 4 <= rows; r += 4) take_rows<4>(task, r);
  for (; r + 2 <= rows; r += 2) take_rows<2>(task, r);
  for (; r < rows; ++r) take_rows<1>(task, r);
}

}  // namespace ifm::neon
