#include "inferometer/kernel/avx512/attention.h"

#include <immintrin.h>

#include "inferometer/kernel/avx512/lanes.h"

// Keys and values of a page meet several query rows (a token's head) at a time. Keys run along the lanes of the scores, columns
// of the values along the lanes of the output, so nothing is summed across lanes, and f16 numbers are widened as they are used:
// one load and one conversion serve all rows of a tile. The softmax of one step (a tile and a page) is a long chain of few
// operations, so it is followed by the values of the step before, which keep the multipliers busy meanwhile.
namespace ifm::avx512 {
namespace {

/// Query rows of a tile: with four vectors of keys or columns they fill the registers.
constexpr int kRows = 6;
constexpr int kLanes = 16;
/// Below every score: a query that has seen no key yet.
constexpr float kNothing = -3.0e38F;

/// The running softmax of a tile's rows, each in its lane: everything seen so far is 2^(score - top), summed in total.
struct Tops {
  __m512 top;
  __m512 total;
};

/// Sums of R rows and V vectors of columns, in registers.
template <int R, int V>
struct Tile {
  __m512 sums[R][V];

  /// sums += numbers (R, depth) . matrix (depth, 16 V columns of f16), over depth in order. The number of row r and depth i lies
  /// at from + r * row_step + i * depth_step, a row of the matrix every `stride` halves; last: lanes of the last vector. ahead:
  /// as much of what comes next is fetched to the second-level cache meanwhile.
  inline __attribute__((always_inline)) void multiply(const float* from, int64_t row_step, int64_t depth_step,
                                                      const uint16_t* matrix, int64_t stride, int64_t depth, __mmask16 last,
                                                      const char* ahead) {
    for (int64_t i = 0; i < depth; ++i) {
      __m512 columns[V];
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) {
        const uint16_t* at = matrix + kLanes * v;
        const bool whole = v + 1 < V || last == 0xFFFF;
        columns[v] = _mm512_cvtph_ps(whole ? _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at))
                                           : _mm256_maskz_loadu_epi16(last, at));
      }
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) {
        const __m512 x = _mm512_set1_ps(from[r * row_step]);
#pragma GCC unroll 8
        for (int v = 0; v < V; ++v) sums[r][v] = _mm512_fmadd_ps(x, columns[v], sums[r][v]);
      }
#pragma GCC unroll 8
      for (int line = 0; line < V; line += 2) _mm_prefetch(ahead + 32 * line, _MM_HINT_T1);
      ahead += 32 * V;
      matrix += stride;
      from += depth_step;
    }
  }
};

/// What one step leaves for its values: the weight of each key, and how what was seen before fades, by lane of the row.
struct Weights {
  alignas(64) float of[kRows][kAttentionKeys];
  alignas(64) float fade[kLanes];
};

/// Some rows and one page.
struct Step {
  const uint16_t* keys;    // (head_dim, kAttentionKeys)
  const uint16_t* values;  // (kAttentionKeys, head_dim)
  const float* q;          // (R, head_dim), in units in which 2^score counts
  float* sums;             // (R, head_dim)
  const int64_t* seen;     // [R] keys that a row sees, from the page's first; may be negative or more than a page
  Tops* tops;
  Weights* weights;
  int64_t head_dim;
  int64_t count;      // keys that some row sees, 1 to kAttentionKeys
  const char* ahead;  // the page after this one
  void (*add_values)(const Step&);
};

/// Scores of keys that a row does not see become kNothing.
template <int R, int V>
inline __attribute__((always_inline)) void hide_unseen(const Step& step, Tile<R, V>& tile) {
  const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) {
      const __m512i left = _mm512_set1_epi32(static_cast<int>(step.seen[r]) - kLanes * v);
      const __mmask16 seen = _mm512_cmplt_epi32_mask(lane, left);
      tile.sums[r][v] = _mm512_mask_mov_ps(_mm512_set1_ps(kNothing), seen, tile.sums[r][v]);
    }
  }
}

/// The first 16 V keys: scores and weights.
template <int R, int V>
__attribute__((noinline)) void weigh(const Step& step, bool masked) {
  Tile<R, V> tile;
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) tile.sums[r][v] = _mm512_setzero_ps();
  }
  tile.multiply(step.q, step.head_dim, 1, step.keys, kAttentionKeys, step.head_dim, 0xFFFF, step.ahead);
  if (masked) hide_unseen(step, tile);
  __m512 largest[R];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
    largest[r] = tile.sums[r][0];
#pragma GCC unroll 8
    for (int v = 1; v < V; ++v) largest[r] = _mm512_max_ps(largest[r], tile.sums[r][v]);
  }
  const __m512 top = _mm512_max_ps(step.tops->top, across<R>(largest, Larger()));
  const __m512 fade = exp2_of(_mm512_sub_ps(step.tops->top, top));
  _mm512_store_ps(step.weights->fade, fade);
  __m512 totals[R];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
    const __m512 of_row = _mm512_permutexvar_ps(_mm512_set1_epi32(lane_of<R>(r)), top);
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) {
      const __m512 p = exp2_of(_mm512_sub_ps(tile.sums[r][v], of_row));
      _mm512_store_ps(step.weights->of[r] + kLanes * v, p);
      totals[r] = v == 0 ? p : _mm512_add_ps(totals[r], p);
    }
  }
  step.tops->total = _mm512_fmadd_ps(step.tops->total, fade, across<R>(totals, Sum()));
  step.tops->top = top;
}

/// 16 V columns from `column` on: out = out * fade + weights . values. last: lanes of the last vector.
template <int R, int V>
__attribute__((noinline)) void add_columns(const Step& step, int64_t column, __mmask16 last) {
  Tile<R, V> tile;
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
    const __m512 fade = _mm512_set1_ps(step.weights->fade[lane_of<R>(r)]);
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) {
      const __m512 before = _mm512_maskz_loadu_ps(v + 1 < V ? 0xFFFF : last, step.sums + r * step.head_dim + column + kLanes * v);
      tile.sums[r][v] = _mm512_mul_ps(before, fade);
    }
  }
  tile.multiply(step.weights->of[0], kAttentionKeys, 1, step.values + column, step.head_dim, step.count, last,
                step.ahead + 2 * kAttentionKeys * (step.head_dim + column));
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) {
      _mm512_mask_storeu_ps(step.sums + r * step.head_dim + column + kLanes * v, v + 1 < V ? 0xFFFF : last, tile.sums[r][v]);
    }
  }
}

template <int R>
void add_values(const Step& step) {
  const int64_t d = step.head_dim;
  int64_t i = 0;
  for (; i + 64 <= d; i += 64) add_columns<R, 4>(step, i, 0xFFFF);
  for (; i < d; i += kLanes) add_columns<R, 1>(step, i, first_lanes(d - i));
}

template <int R>
void weigh_page(const Step& step) {
  bool masked = false;
  for (int r = 0; r < R; ++r) masked = masked || step.seen[r] < kAttentionKeys;
  const int64_t vectors = (step.count + kLanes - 1) / kLanes;
  if (vectors == 4) return weigh<R, 4>(step, masked);
  if (vectors == 3) return weigh<R, 3>(step, true);
  if (vectors == 2) return weigh<R, 2>(step, true);
  weigh<R, 1>(step, true);
}

// ---- tasks ----

/// Rows that share loads, row = (token, head of the group).
struct Rows {
  float* q;             // (R, head_dim)
  float* values;        // (R, head_dim): the weighted sum so far; here and not in out, whose rows compete for the same cache sets
  float* out[kRows];    // (head_dim)
  float* sums[kRows];   // {top, total} or null
  int64_t seen[kRows];  // keys of the task's
  int64_t most;         // of seen
  Tops tops;
};

/// Calls body.template operator()<R>(first row, index of the tile) for tiles of rows.
template <typename Body>
void for_tiles(int64_t rows, const Body& body) {
  int64_t r = 0;
  int64_t tile = 0;
  for (; r + kRows <= rows; r += kRows) body.template operator()<kRows>(r, tile++);
  for (; r + 4 <= rows; r += 4) body.template operator()<4>(r, tile++);
  for (; r + 2 <= rows; r += 2) body.template operator()<2>(r, tile++);
  for (; r < rows; ++r) body.template operator()<1>(r, tile++);
}

/// What a tile of R rows starts with: nothing seen, and its queries in units of the exponent.
template <int R>
void start(const AttentionTask& task, int64_t first, Rows& rows) {
  const int64_t d = task.head_dim;
  const float units = task.scale * 1.44269504F;
  rows.most = 0;
  for (int r = 0; r < R; ++r) {
    const int64_t token = task.token_begin + (first + r) / task.group;
    const int64_t row = token * task.heads + task.first_head + (first + r) % task.group;
    const int64_t end = task.position + token + 1 < task.key_end ? task.position + token + 1 : task.key_end;
    rows.out[r] = task.out + row * d;
    rows.sums[r] = task.sums == nullptr ? nullptr : task.sums + 2 * row;
    rows.seen[r] = end - task.key_begin;
    rows.most = rows.seen[r] > rows.most ? rows.seen[r] : rows.most;
    for (int64_t i = 0; i < d; i += kLanes) {
      const __mmask16 lanes = first_lanes(d - i);
      const __m512 q = _mm512_maskz_loadu_ps(lanes, task.q + row * d + i);
      _mm512_mask_storeu_ps(rows.q + r * d + i, lanes, _mm512_mul_ps(q, _mm512_set1_ps(units)));
      _mm512_mask_storeu_ps(rows.values + r * d + i, lanes, _mm512_setzero_ps());
    }
  }
  rows.tops = {_mm512_set1_ps(kNothing), _mm512_setzero_ps()};
}

template <int R>
void finish(const Rows& rows, int64_t head_dim) {
  alignas(64) float tops[kLanes];
  alignas(64) float totals[kLanes];
  _mm512_store_ps(tops, rows.tops.top);
  _mm512_store_ps(totals, rows.tops.total);
  for (int r = 0; r < R; ++r) {
    // A row without keys took part in its tile's steps; what they gave it means nothing.
    const float total = rows.seen[r] > 0 ? totals[lane_of<R>(r)] : 0;
    const float factor = rows.seen[r] > 0 ? 1 / total : 0;
    if (rows.sums[r] != nullptr) {
      rows.sums[r][0] = rows.seen[r] > 0 ? tops[lane_of<R>(r)] : kNothing;
      rows.sums[r][1] = total;
    }
    for (int64_t i = 0; i < head_dim; i += kLanes) {
      const __mmask16 lanes = first_lanes(head_dim - i);
      const __m512 values = _mm512_maskz_loadu_ps(lanes, rows.values + r * head_dim + i);
      _mm512_mask_storeu_ps(rows.out[r] + i, lanes, _mm512_mul_ps(values, _mm512_set1_ps(factor)));
    }
  }
}

/// Runs the values of each step after the weights of the next one.
class Pipeline {
 public:
  explicit Pipeline(const AttentionTask& task) : task_(task) {}

  /// The tile's step on the page that holds key_begin + block.
  template <int R>
  void take(Rows& rows, int64_t block) {
    if (rows.most <= block) return;
    Step& step = steps_[next_];
    int64_t* seen = seen_[next_];
    for (int r = 0; r < R; ++r) seen[r] = rows.seen[r] - block;
    const int64_t left = rows.most - block;
    step.keys = page(block);
    step.values = step.keys + task_.head_dim * kAttentionKeys;
    step.q = rows.q;
    step.sums = rows.values;
    step.seen = seen;
    step.tops = &rows.tops;
    step.weights = &weights_[next_];
    step.head_dim = task_.head_dim;
    step.count = left < kAttentionKeys ? left : kAttentionKeys;
    step.ahead = reinterpret_cast<const char*>(has_page(block + kAttentionKeys) ? page(block + kAttentionKeys) : step.keys);
    step.add_values = add_values<R>;
    weigh_page<R>(step);
    flush();
    pending_ = &step;
    next_ = 1 - next_;
  }

  void flush() {
    if (pending_ != nullptr) pending_->add_values(*pending_);
    pending_ = nullptr;
  }

 private:
  /// The sequence's, though perhaps beyond this task's keys: its next part is likely to be this thread's next task.
  [[nodiscard]] bool has_page(int64_t block) const { return task_.key_begin + block < task_.position + task_.token_end; }
  [[nodiscard]] const uint16_t* page(int64_t block) const {
    const int64_t index = task_.kv.table[(task_.key_begin + block) / kAttentionKeys];
    return reinterpret_cast<const uint16_t*>(task_.kv.base + index * task_.kv.page_bytes);
  }

  const AttentionTask& task_;
  Weights weights_[2];
  Step steps_[2];
  int64_t seen_[2][kRows];
  int next_ = 0;
  const Step* pending_ = nullptr;
};

}  // namespace

void attention(const AttentionTask& task) {
  const int64_t d = task.head_dim;
  const int64_t rows = (task.token_end - task.token_begin) * task.group;
  float* q = task.scratch;
  float* values = q + rows * d;
  auto* tiles = reinterpret_cast<Rows*>(q + (2 * rows * d + 15) / 16 * 16);
  int64_t most = 0;
  for_tiles(rows, [&]<int R>(int64_t row, int64_t tile) {
    tiles[tile].q = q + row * d;
    tiles[tile].values = values + row * d;
    start<R>(task, row, tiles[tile]);
    most = tiles[tile].most > most ? tiles[tile].most : most;
  });
  Pipeline pipeline(task);
  for (int64_t block = 0; block < most; block += kAttentionKeys) {
    for_tiles(rows, [&]<int R>(int64_t, int64_t tile) { pipeline.take<R>(tiles[tile], block); });
  }
  pipeline.flush();
  for_tiles(rows, [&]<int R>(int64_t, int64_t tile) { finish<R>(tiles[tile], d); });
}

}  // namespace ifm::avx512
