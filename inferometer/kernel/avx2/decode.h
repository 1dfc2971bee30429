#pragma once

#include "inferometer/kernel/avx2/steps.h"
#include "inferometer/kernel/avx2/unroll.h"
#include "inferometer/kernel/avx2/vector.h"
#include "inferometer/kernel/kernels.h"

// What products of decode steps share. Everything is static, as in vector.h.
namespace ifm::avx2 {

/// Lanes of a row's sum with one token: what steps add up, and biases times sums of inputs.
struct RowSum {
  __m256 lanes;
  __m256 biases;
};

/// R rows with their T tokens, rounded as X says.
template <typename X, int R, int T>
struct DecodeTile {
  const std::byte* rows[R];
  int64_t index[R];
  X x[T];
};

/// A load that stays one load: compilers fold it into every instruction that uses it.
static IFM_INLINE __m256i load_once(const void* p) {
  __m256i v;
  asm volatile("vmovdqu %1, %0" : "=x"(v) : "m"(*static_cast<const __m256i_u*>(p)));
  return v;
}

/// A step of a row: unsigned bytes of up to 5 bits of its lanes' first and last four values, and the lanes' scales.
struct RowStep {
  __m256i first, last;
  __m256 scales;
};

/// Adds a step of every row and token.
template <int R, int T>
static IFM_INLINE void add_step(const DecodeTile<Steps, R, T>& tile, int64_t step, const RowStep (&rows)[R],
                                RowSum (&sums)[R][T]) {
  unroll<T>([&](auto t) IFM_INLINE_LAMBDA {
    const std::byte* at = tile.x[t].at + step * kStepBytes;
    const __m256i x_first = load_once(at);
    const __m256i x_last = load_once(at + 32);
    const __m256 x_scales = _mm256_castsi256_ps(load_once(at + 64));
    unroll<R>([&](auto r) IFM_INLINE_LAMBDA {
      // Four products of at most 31 * 127 in 16 bits.
      const __m256i first = _mm256_maddubs_epi16(rows[r].first, x_first);
      const __m256i pairs = _mm256_add_epi16(first, _mm256_maddubs_epi16(rows[r].last, x_last));
      const __m256 dots = _mm256_cvtepi32_ps(_mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
      sums[r][t].lanes = _mm256_fmadd_ps(dots, _mm256_mul_ps(rows[r].scales, x_scales), sums[r][t].lanes);
    });
  });
}

/// Pairs of products of 32 bytes with their words of inputs.
static IFM_INLINE __m256i dot_words(__m256i bytes, const std::byte* words) {
  const __m256i low = _mm256_unpacklo_epi8(bytes, _mm256_setzero_si256());
  const __m256i high = _mm256_unpackhi_epi8(bytes, _mm256_setzero_si256());
  return _mm256_add_epi32(_mm256_madd_epi16(low, load_once(words)), _mm256_madd_epi16(high, load_once(words + 32)));
}

template <int R, int T>
static IFM_INLINE void add_step(const DecodeTile<WordSteps, R, T>& tile, int64_t step, const RowStep (&rows)[R],
                                RowSum (&sums)[R][T]) {
  unroll<R>([&](auto r) IFM_INLINE_LAMBDA {
    unroll<T>([&](auto t) IFM_INLINE_LAMBDA {
      const std::byte* at = tile.x[t].at + step * kWordStepBytes;
      const __m256i dots = _mm256_add_epi32(dot_words(rows[r].first, at), dot_words(rows[r].last, at + 64));
      const __m256 x_scales = _mm256_loadu_ps(reinterpret_cast<const float*>(at + 128));
      sums[r][t].lanes = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dots), _mm256_mul_ps(rows[r].scales, x_scales), sums[r][t].lanes);
    });
  });
}

/// Adds biases of each 32 values, 8 of them, times the sums of a token's inputs.
static IFM_INLINE void add_biases(__m256 biases, const float* sums32, RowSum& sum) {
  sum.biases = _mm256_fmadd_ps(biases, _mm256_loadu_ps(sums32), sum.biases);
}

static IFM_INLINE __m256 load_numbers(const std::byte* from, DType dtype) {
  if (dtype == DType::f16) return load_f16(from);
  if (dtype == DType::bf16) return load_bf16(from);
  return _mm256_loadu_ps(reinterpret_cast<const float*>(from));
}

/// Scales or biases of 8 of a row's `groups` groups, from `group` on, as f32; of which `count` are there, the rest is 0.
static IFM_INLINE __m256 load_groups(const WeightMatrix& w, const std::byte* source, int64_t row, int64_t groups, int64_t group,
                                     int64_t count) {
  const int64_t size = w.scale_dtype == DType::f32 ? 4 : 2;
  const std::byte* from = source + (row * groups + group) * size;
  if (count == 8) return load_numbers(from, w.scale_dtype);
  if (groups < 8) {
    alignas(32) unsigned char few[32];
    _mm256_store_si256(reinterpret_cast<__m256i*>(few), _mm256_setzero_si256());
    std::memcpy(few, from, static_cast<unsigned long>(count * size));
    return load_numbers(reinterpret_cast<const std::byte*>(few), w.scale_dtype);
  }
  // The last ones are read with those before them, so that nothing behind the row is touched.
  const __m256 v = load_numbers(from - (8 - count) * size, w.scale_dtype);
  const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  const __m256 moved = _mm256_permutevar8x32_ps(v, _mm256_add_epi32(lane, _mm256_set1_epi32(static_cast<int>(8 - count))));
  return _mm256_and_ps(moved, _mm256_castsi256_ps(_mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)), lane)));
}

template <typename X, int R, int T, typename Function>
static IFM_INLINE void one_tile(const MatmulTask& task, const int64_t (&rows)[R], int64_t token, const Function& take_rows) {
  const WeightMatrix& w = *task.weights;
  DecodeTile<X, R, T> tile;
  for (int r = 0; r < R; ++r) {
    tile.index[r] = rows[r];
    tile.rows[r] = w.data + rows[r] * w.row_bytes;
  }
  for (int t = 0; t < T; ++t) find_token(*task.x, token + t, tile.x[t]);
  RowSum sums[R][T];
  unroll<R * T>([&](auto i) IFM_INLINE_LAMBDA { sums[i / T][i % T] = {_mm256_setzero_ps(), _mm256_setzero_ps()}; });
  take_rows(tile, sums);
  unroll<R * T>([&](auto i) IFM_INLINE_LAMBDA {
    const RowSum& sum = sums[i / T][i % T];
    task.out[(token + i % T) * task.out_stride + rows[i / T]] = sum8(_mm256_add_ps(sum.lanes, sum.biases));
  });
}

/// Calls take_rows(tile, sums) for all rows and tokens of a task and writes what it sums up. One token: row r and row r + half,
/// two streams far from each other, share every load of the inputs (adjacent rows disturb hardware prefetchers). More: a row's
/// bytes stay in the L1 cache while four tokens at a time meet it. Each sum is made of the same operations in all of them.
template <typename X, typename Function>
static inline void for_tiles(const MatmulTask& task, const Function& take_rows) {
  if (task.token_end - task.token_begin == 1) {
    const int64_t half = (task.row_end - task.row_begin) / 2;
    for (int64_t row = task.row_begin; row < task.row_begin + half; ++row) {
      one_tile<X, 2, 1>(task, {row, row + half}, task.token_begin, take_rows);
    }
    if (task.row_begin + 2 * half < task.row_end) one_tile<X, 1, 1>(task, {task.row_end - 1}, task.token_begin, take_rows);
    return;
  }
  for (int64_t row = task.row_begin; row < task.row_end; ++row) {
    int64_t token = task.token_begin;
    for (; token + 4 <= task.token_end; token += 4) one_tile<X, 1, 4>(task, {row}, token, take_rows);
    for (; token < task.token_end; ++token) one_tile<X, 1, 1>(task, {row}, token, take_rows);
  }
}

}  // namespace ifm::avx2
