#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>
#include <new>

#include "inferometer/kernel/avx512/lanes.h"
#include "inferometer/kernel/avx512/sums.h"
#include "inferometer/kernel/avx512/unrolled.h"
#include "inferometer/kernel/kernels.h"

// The walk over rows of products that wait for memory. A Kind says what a row and a token's inputs are and multiplies R rows with
// T tokens:
//   Kind::Row(const WeightMatrix&, row), Kind::Inputs, Kind::inputs(const Activations&, token), and
//   Kind::template take<R, T>(rows, inputs, k, sums), 16 lanes to be added up for each row and token.
// It may say
//   Kind::unit(inputs): what the sums have to be multiplied with;
//   Kind::tile_rows(k) and Kind::take_tiles(task, inputs, token, tokens, row, count, distance): a way of its own for 4 or 8
//   tokens and up to that many rows, a multiple of 16; 0 where there is none.
namespace ifm::avx512 {

/// 16 lanes for each of R rows and T tokens. A take() has sums of its own and copies them at its end: the compiler would keep its
/// caller's in memory.
template <int R, int T>
using Sums = __m512[R][T];

template <int R, int T>
[[gnu::always_inline]] static inline void clear(Sums<R, T>& sums) {
  unrolled<R>([&](auto r) { unrolled<T>([&](auto t) { sums[r][t] = _mm512_setzero_ps(); }); });
}
template <int R, int T>
[[gnu::always_inline]] static inline void copy(const Sums<R, T>& from, Sums<R, T>& to) {
  unrolled<R>([&](auto r) { unrolled<T>([&](auto t) { to[r][t] = from[r][t]; }); });
}

/// Tokens whose inputs are looked up together.
inline constexpr int64_t kTokens = 64;

/// `count` rows (at most 16) from `row` on and, with R = 2, as many `distance` further, for T tokens from `token` on. Sums wait
/// until there are 16 of them, which are then added up together.
template <typename Kind, int R, int T>
void take_some(const MatmulTask& task, const typename Kind::Inputs* inputs, int64_t token, int64_t row, int64_t count,
               int64_t distance) {
  const WeightMatrix& w = *task.weights;
  typename Kind::Inputs x[T];
  for (int t = 0; t < T; ++t) x[t] = inputs[t];
  __m512 waiting[R][T][16];
  for (int64_t i = 0; i < count; ++i) {
    typename Kind::Row rows[R];
    for (int r = 0; r < R; ++r) rows[r] = typename Kind::Row(w, row + i + r * distance);
    __m512 sums[R][T];
    Kind::template take<R, T>(rows, x, w.cols, sums);
    unrolled<R>([&](auto r) { unrolled<T>([&](auto t) { waiting[r][t][i] = sums[r][t]; }); });
  }
  for (int r = 0; r < R; ++r) {
    for (int t = 0; t < T; ++t) {
      for (int64_t i = count; i < 16; ++i) waiting[r][t][i] = _mm512_setzero_ps();
      float* out = task.out + (token + t) * task.out_stride + row + r * distance;
      __m512 totals = sum_of_each(waiting[r][t]);
      if constexpr (requires { Kind::unit(x[t]); }) totals = _mm512_mul_ps(totals, _mm512_set1_ps(Kind::unit(x[t])));
      _mm512_mask_storeu_ps(out, first_lanes(count), totals);
    }
  }
}

/// As take_some, for any number of rows and tokens.
template <typename Kind, int R>
void take_some_for_all(const MatmulTask& task, const typename Kind::Inputs* inputs, int64_t token, int64_t end, int64_t row,
                       int64_t count, int64_t distance) {
  for (; count > 16; row += 16, count -= 16) take_some_for_all<Kind, R>(task, inputs, token, end, row, 16, distance);
  while (token < end) {
    const auto take = [&](auto tokens) {
      take_some<Kind, R, tokens>(task, inputs, token, row, count, distance);
      inputs += tokens;
      token += tokens;
    };
    if (end - token >= 8) {
      take(Index<8>{});
    } else if (end - token >= 4) {
      take(Index<4>{});
    } else {
      take(Index<1>{});
    }
  }
}

/// How many rows of each stream meet all tokens before the next ones do.
template <typename Kind>
int64_t rows_together(int64_t k, int64_t tokens) {
  if constexpr (requires { Kind::tile_rows(k); }) {
    if (tokens >= 4 && Kind::tile_rows(k) > 0) return Kind::tile_rows(k);
  }
  return 16;
}

/// As many tokens as there are tiles for; says how many.
template <typename Kind>
int64_t take_tiles_for_all(const MatmulTask& task, const typename Kind::Inputs* inputs, int64_t token, int64_t end, int64_t row,
                           int64_t count, int64_t distance) {
  int64_t taken = 0;
  if constexpr (requires { Kind::tile_rows(0); }) {
    while (end - token - taken >= 4 && Kind::tile_rows(task.weights->cols) > 0) {
      const int64_t tokens = end - token - taken >= 8 ? 8 : 4;
      Kind::take_tiles(task, inputs + taken, token + taken, tokens, row, count, distance);
      taken += tokens;
    }
  }
  return taken;
}

/// All rows of a task for all its tokens. Two rows at a time, half of the rows apart: two streams far from each other share every
/// load of the inputs. (Adjacent rows disturb Zen 4's prefetchers: 0.34 to 0.75 of the read bandwidth where far ones reach 0.9;
/// so does prefetching by software.)
template <typename Kind>
void take_all(const MatmulTask& task) {
  const int64_t half = (task.row_end - task.row_begin) / 2;
  for (int64_t token = task.token_begin; token < task.token_end; token += kTokens) {
    const int64_t end = task.token_end - token < kTokens ? task.token_end : token + kTokens;
    // Left as it is where there is no token.
    alignas(typename Kind::Inputs) std::byte memory[kTokens * sizeof(typename Kind::Inputs)];
    auto* inputs = reinterpret_cast<typename Kind::Inputs*>(memory);
    for (int64_t t = token; t < end; ++t) new (inputs + t - token) typename Kind::Inputs(Kind::inputs(*task.x, t));
    const int64_t together = rows_together<Kind>(task.weights->cols, end - token);
    for (int64_t row = 0; row < half; row += together) {
      const int64_t first = task.row_begin + row;
      const int64_t count = half - row < together ? half - row : together;
      const int64_t taken = take_tiles_for_all<Kind>(task, inputs, token, end, first, count, half);
      take_some_for_all<Kind, 2>(task, inputs + taken, token + taken, end, first, count, half);
    }
    if (task.row_begin + 2 * half < task.row_end) take_some_for_all<Kind, 1>(task, inputs, token, end, task.row_end - 1, 1, 0);
  }
}

}  // namespace ifm::avx512
