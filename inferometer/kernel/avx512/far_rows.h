#pragma once

#include <immintrin.h>

#include <cstdint>

#include "inferometer/kernel/avx512/lanes.h"
#include "inferometer/kernel/avx512/sums.h"
#include "inferometer/kernel/avx512/unrolled.h"
#include "inferometer/kernel/kernels.h"

// The walk over rows of products that wait for memory. A Kind says what a row and a token's inputs are and multiplies R rows with
// T tokens:
//   Kind::Row(const WeightMatrix&, row), Kind::Inputs, Kind::inputs(const Activations&, token), and
//   Kind::template take<R, T>(rows, inputs, k, sums), 16 lanes to be added up for each row and token.
namespace ifm::avx512 {

/// `count` rows from `row` on and, with R = 2, as many `distance` further: two streams far from each other share every load of
/// the inputs. (Adjacent rows disturb Zen 4's prefetchers: 0.34 to 0.75 of the read bandwidth where far ones reach 0.9.) Sums
/// wait until there are 16 of them, which are then added up together.
template <typename Kind, int R, int T>
void take_range(const MatmulTask& task, const typename Kind::Inputs (&x)[T], int64_t token, int64_t row, int64_t count,
                int64_t distance) {
  const WeightMatrix& w = *task.weights;
  __m512 waiting[R][T][16] = {};
  for (int64_t begin = 0; begin < count; begin += 16) {
    const int64_t here = count - begin < 16 ? count - begin : 16;
    for (int64_t i = 0; i < here; ++i) {
      typename Kind::Row rows[R];
      for (int r = 0; r < R; ++r) rows[r] = typename Kind::Row(w, row + begin + i + r * distance);
      __m512 sums[R][T];
      Kind::template take<R, T>(rows, x, w.cols, sums);
      unrolled<R>([&](auto r) { unrolled<T>([&](auto t) { waiting[r][t][i] = sums[r][t]; }); });
    }
    for (int r = 0; r < R; ++r) {
      for (int t = 0; t < T; ++t) {
        float* out = task.out + (token + t) * task.out_stride + row + begin + r * distance;
        _mm512_mask_storeu_ps(out, first_lanes(here), sum_of_each(waiting[r][t]));
      }
    }
  }
}

template <typename Kind, int T>
void take_tokens(const MatmulTask& task, int64_t token) {
  typename Kind::Inputs x[T];
  for (int t = 0; t < T; ++t) x[t] = Kind::inputs(*task.x, token + t);
  const int64_t half = (task.row_end - task.row_begin) / 2;
  take_range<Kind, 2, T>(task, x, token, task.row_begin, half, half);
  if (task.row_begin + 2 * half < task.row_end) take_range<Kind, 1, T>(task, x, token, task.row_end - 1, 1, 0);
}

template <typename Kind>
void take_all(const MatmulTask& task) {
  int64_t token = task.token_begin;
  for (; token + 4 <= task.token_end; token += 4) take_tokens<Kind, 4>(task, token);
  for (; token < task.token_end; ++token) take_tokens<Kind, 1>(task, token);
}

}  // namespace ifm::avx512
