#include "inferometer/kernel/avx2/avx2.h"
#include "inferometer/kernel/avx2/vector.h"

// Keys and values of a page meet several query rows (a token's head) at a time: keys run along the lanes of the scores, columns
// of the values along the lanes of the output, so nothing is summed across lanes and the f16 numbers are widened as they are
// used.
namespace ifm::avx2 {
namespace {

/// Query rows of a tile: with two vectors of keys or columns they fill the registers.
constexpr int kRows = 6;
/// Keys or columns of a tile.
constexpr int kColumns = 16;
/// Below every score: a query that has seen no key yet.
constexpr float kNothing = -3.0e38F;

/// The running softmax of one query: everything seen so far is 2^(score - top), summed in `total` and in `values`.
struct Query {
  const float* q;  // (head_dim), in units in which 2^score counts
  float* values;   // (head_dim)
  float* out;      // (head_dim)
  float* sums;     // {top, total} or null
  int64_t seen;    // keys of the task's
  float top;
  float total;
};

/// 2^x for x <= 0, to about 2e-7; 0 below -126; NaN stays NaN.
__m256 exp2_of(__m256 x) {
  const __m256 low = _mm256_set1_ps(-126.0F);
  const __m256 keep = _mm256_cmp_ps(x, low, _CMP_NLT_UQ);
  const __m256 n = _mm256_round_ps(_mm256_max_ps(low, x), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  const __m256 r = _mm256_sub_ps(_mm256_max_ps(low, x), n);
  // Least relative error on [-1/2, 1/2].
  __m256 p = _mm256_set1_ps(0x1.5c08e6p-10F);
  p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(0x1.3d0c54p-7F));
  p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(0x1.c6b6e4p-5F));
  p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(0x1.ebf918p-3F));
  p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(0x1.62e428p-1F));
  p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0F));
  const __m256i exponent = _mm256_slli_epi32(_mm256_cvtps_epi32(n), 23);
  return _mm256_and_ps(keep, _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(p), exponent)));
}

/// Sums of R rows and 16 columns, in registers.
template <int R>
struct Tile {
  __m256 sums[R][2];

  /// sums += numbers (R, depth) . matrix (depth, 16 columns of f16), over depth in order. The number of row r and depth i lies at
  /// from + r * row_step + i, a row of the matrix every `stride` halves. ahead: as much of what comes next is fetched meanwhile.
  inline __attribute__((always_inline)) void multiply(const float* from, int64_t row_step, const uint16_t* matrix, int64_t stride,
                                                      int64_t depth, const char* ahead) {
    for (int64_t i = 0; i < depth; ++i) {
      const __m256 a = load_f16(matrix);
      const __m256 b = load_f16(matrix + 8);
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) {
        const __m256 x = _mm256_broadcast_ss(from + r * row_step);
        sums[r][0] = _mm256_fmadd_ps(x, a, sums[r][0]);
        sums[r][1] = _mm256_fmadd_ps(x, b, sums[r][1]);
      }
      _mm_prefetch(ahead, _MM_HINT_T1);
      ahead += 2 * kColumns;
      matrix += stride;
      ++from;
    }
  }
};

/// Scores to weights 2^(score - top), zero from `seen` on; returns the factor by which what was seen before fades.
float softmax_step(Query& query, float* scores, int64_t seen) {
  const __m256 nothing = _mm256_set1_ps(kNothing);
  __m256 tops = nothing;
  for (int j = 0; j < kAttentionKeys; j += 8) {
    if (seen < j + 8) {
      const __m256i lane = _mm256_add_epi32(_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), _mm256_set1_epi32(j));
      const __m256 visible = _mm256_castsi256_ps(_mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(seen)), lane));
      _mm256_store_ps(scores + j, _mm256_blendv_ps(nothing, _mm256_load_ps(scores + j), visible));
    }
    tops = _mm256_max_ps(tops, _mm256_load_ps(scores + j));
  }
  const float highest = max8(tops);
  const float top = highest > query.top ? highest : query.top;
  __m256 total = _mm256_setzero_ps();
  for (int64_t j = 0; j < kAttentionKeys; j += 8) {
    const __m256 p = exp2_of(_mm256_sub_ps(_mm256_load_ps(scores + j), _mm256_set1_ps(top)));
    _mm256_store_ps(scores + j, p);
    total = _mm256_add_ps(total, p);
  }
  const float fade = _mm256_cvtss_f32(exp2_of(_mm256_set1_ps(query.top - top)));
  query.total = query.total * fade + sum8(total);
  query.top = top;
  return fade;
}

/// One page for R rows.
struct Page {
  const uint16_t* keys;    // (head_dim, kAttentionKeys)
  const uint16_t* values;  // (kAttentionKeys, head_dim)
  int64_t first;           // key, from the task's first
  int64_t count;           // keys that some row sees, 1 to kAttentionKeys
  const char* ahead;       // the page after this one
};

template <int R>
void weigh(Query* rows, const Page& page, int64_t d, float (*weights)[kAttentionKeys], float* fade) {
  for (int64_t j = 0; j < kAttentionKeys; j += kColumns) {
    Tile<R> tile;
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) tile.sums[r][0] = tile.sums[r][1] = _mm256_setzero_ps();
    if (j < page.count) tile.multiply(rows[0].q, d, page.keys + j, kAttentionKeys, d, page.ahead + 2 * d * j);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      _mm256_store_ps(weights[r] + j, tile.sums[r][0]);
      _mm256_store_ps(weights[r] + j + 8, tile.sums[r][1]);
    }
  }
  for (int r = 0; r < R; ++r) fade[r] = softmax_step(rows[r], weights[r], rows[r].seen - page.first);
}

/// 16 columns, or the last 8 where head_dim is no multiple of 16: values = values * fade + weights . page's values.
template <int R>
void add_values(const Query* rows, const Page& page, int64_t d, const float (*weights)[kAttentionKeys], const float* fade) {
  for (int64_t i = 0; i + kColumns <= d; i += kColumns) {
    Tile<R> tile;
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const __m256 factor = _mm256_set1_ps(fade[r]);
      tile.sums[r][0] = _mm256_mul_ps(_mm256_loadu_ps(rows[r].values + i), factor);
      tile.sums[r][1] = _mm256_mul_ps(_mm256_loadu_ps(rows[r].values + i + 8), factor);
    }
    tile.multiply(weights[0], kAttentionKeys, page.values + i, d, page.count, page.ahead + 2 * kAttentionKeys * (d + i));
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      _mm256_storeu_ps(rows[r].values + i, tile.sums[r][0]);
      _mm256_storeu_ps(rows[r].values + i + 8, tile.sums[r][1]);
    }
  }
  if (d % kColumns == 0) return;
  for (int r = 0; r < R; ++r) {
    float* values = rows[r].values + d - 8;
    __m256 sum = _mm256_mul_ps(_mm256_loadu_ps(values), _mm256_set1_ps(fade[r]));
    for (int64_t j = 0; j < page.count; ++j) {
      sum = _mm256_fmadd_ps(_mm256_broadcast_ss(weights[r] + j), load_f16(page.values + j * d + d - 8), sum);
    }
    _mm256_storeu_ps(values, sum);
  }
}

/// The page that holds the task's key `first`, for R rows.
template <int R>
void take_page(const AttentionTask& task, Query* rows, int64_t first) {
  const auto page_at = [&](int64_t key) {
    return reinterpret_cast<const uint16_t*>(task.kv.base +
                                             task.kv.table[(task.key_begin + key) / kAttentionKeys] * task.kv.page_bytes);
  };
  int64_t left = 0;
  for (int r = 0; r < R; ++r) left = rows[r].seen - first > left ? rows[r].seen - first : left;
  if (left <= 0) return;
  const int64_t d = task.head_dim;
  const int64_t next = first + kAttentionKeys;
  Page page{.keys = page_at(first), .values = nullptr, .first = first, .count = left, .ahead = nullptr};
  page.values = page.keys + d * kAttentionKeys;
  if (page.count > kAttentionKeys) page.count = kAttentionKeys;
  // The next one may lie beyond this task's keys: the sequence's next part is likely to be this thread's next task.
  const bool more = task.key_begin + next < task.position + task.token_end;
  page.ahead = reinterpret_cast<const char*>(page_at(more ? next : first));
  alignas(32) float weights[R][kAttentionKeys];
  float fade[R];
  weigh<R>(rows, page, d, weights, fade);
  add_values<R>(rows, page, d, weights, fade);
}

void start(const AttentionTask& task, int64_t index, Query& query) {
  const int64_t d = task.head_dim;
  const int64_t rows = (task.token_end - task.token_begin) * task.group;
  const int64_t token = task.token_begin + index / task.group;
  const int64_t row = token * task.heads + task.first_head + index % task.group;
  const int64_t end = task.position + token + 1 < task.key_end ? task.position + token + 1 : task.key_end;
  float* q = task.scratch + index * d;
  query = {.q = q,
           .values = task.scratch + (rows + index) * d,
           .out = task.out + row * d,
           .sums = task.sums == nullptr ? nullptr : task.sums + 2 * row,
           .seen = end - task.key_begin,
           .top = kNothing,
           .total = 0};
  const __m256 units = _mm256_set1_ps(task.scale * 1.44269504F);
  for (int64_t i = 0; i < d; i += 8) {
    _mm256_storeu_ps(q + i, _mm256_mul_ps(_mm256_loadu_ps(task.q + row * d + i), units));
    _mm256_storeu_ps(query.values + i, _mm256_setzero_ps());
  }
}

void finish(const Query& query, int64_t d) {
  // A row without keys took part in its tile's pages; what they gave it means nothing.
  const bool any = query.seen > 0;
  const __m256 factor = _mm256_set1_ps(any ? 1 / query.total : 0);
  for (int64_t i = 0; i < d; i += 8) _mm256_storeu_ps(query.out + i, _mm256_mul_ps(_mm256_loadu_ps(query.values + i), factor));
  if (query.sums == nullptr) return;
  query.sums[0] = any ? query.top : kNothing;
  query.sums[1] = any ? query.total : 0;
}

}  // namespace

void attention(const AttentionTask& task) {
  const int64_t rows = (task.token_end - task.token_begin) * task.group;
  auto* queries = reinterpret_cast<Query*>(task.scratch + (2 * rows * task.head_dim + 15) / 16 * 16);
  for (int64_t r = 0; r < rows; ++r) start(task, r, queries[r]);
  const int64_t most = queries[rows - 1].seen;  // the last token sees the most
  for (int64_t first = 0; first < most; first += kAttentionKeys) {
    int64_t r = 0;
    for (; r + kRows <= rows; r += kRows) take_page<kRows>(task, queries + r, first);
    for (; r + 4 <= rows; r += 4) take_page<4>(task, queries + r, first);
    for (; r + 2 <= rows; r += 2) take_page<2>(task, queries + r, first);
    for (; r < rows; ++r) take_page<1>(task, queries + r, first);
  }
  for (int64_t r = 0; r < rows; ++r) finish(queries[r], task.head_dim);
}

}  // namespace ifm::avx2
