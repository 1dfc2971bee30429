#pragma once

#include "inferometer/kernel/avx2/decode.h"

// MLX nibbles in place: 64 weights a step. The low nibbles of 32 bytes are the even values, the high ones the odd ones; lane L
// holds values 8 L … 8 L + 7. Everything is static, as in vector.h.
namespace ifm::avx2 {

/// Biases of 8 groups, of which `count` are there, times the sums of their values.
template <int G>
static IFM_INLINE void add_group_biases(__m256 biases, const float* sums32, int64_t count, RowSum& sum) {
  if constexpr (G == 32) return add_biases(biases, sums32, sum);
  const __m256i spread = G == 64 ? _mm256_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3) : _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1);
  unroll<G / 32>([&](auto i) IFM_INLINE_LAMBDA {
    constexpr int kFirst = decltype(i)::kValue * 8 / (G / 32);
    if (kFirst >= count) return;
    const __m256i lanes = _mm256_add_epi32(spread, _mm256_set1_epi32(kFirst));
    add_biases(_mm256_permutevar8x32_ps(biases, lanes), sums32 + 8 * i, sum);
  });
}

/// Step s of a chunk of 8 groups of a row; the second half of a step that is not whole is zeros.
template <int G>
static IFM_INLINE RowStep load_step(const std::byte* chunk, const float* scales, int64_t s, bool whole) {
  const std::byte* at = chunk + 32 * s;
  const __m256i low = _mm256_set1_epi8(15);
  const __m256i pairs = whole ? load_once(at) : _mm256_zextsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at)));
  const __m256 scale = G == 32 ? two_halves(scales + 2 * s) : _mm256_broadcast_ss(scales + s / (G / 32 / 2));
  return {_mm256_and_si256(pairs, low), _mm256_and_si256(_mm256_srli_epi16(pairs, 4), low), scale};
}

/// A chunk of 8 groups, or with the last ones of a row.
template <int G, typename X, int R, int T>
static IFM_INLINE void take_chunk(const WeightMatrix& w, const DecodeTile<X, R, T>& tile, int64_t group, int64_t count,
                                  RowSum (&sums)[R][T]) {
  alignas(32) float scales[R][8];
  unroll<R>([&](auto r) IFM_INLINE_LAMBDA {
    _mm256_store_ps(scales[r], load_groups(w, w.scales, tile.index[r], w.cols / G, group, count));
    const __m256 biases = load_groups(w, w.biases, tile.index[r], w.cols / G, group, count);
    unroll<T>([&](auto t)
                  IFM_INLINE_LAMBDA { add_group_biases<G>(biases, tile.x[t].sums32 + group * (G / 32), count, sums[r][t]); });
  });
  const int64_t first = group * G / kStepValues;
  const auto take = [&](int64_t s, bool whole) IFM_INLINE_LAMBDA {
    RowStep rows[R];
    unroll<R>([&](auto r) IFM_INLINE_LAMBDA { rows[r] = load_step<G>(tile.rows[r] + 32 * first, scales[r], s, whole); });
    add_step(tile, first + s, rows, sums);
  };
  const int64_t whole_steps = count * G / kStepValues;
  for (int64_t s = 0; s < whole_steps; ++s) take(s, true);
  if (whole_steps * kStepValues < count * G) take(whole_steps, false);
}

template <int G, typename X, int R, int T>
static IFM_INLINE void take_rows(const WeightMatrix& w, const DecodeTile<X, R, T>& tile, RowSum (&sums)[R][T]) {
  const int64_t groups = w.cols / G;
  int64_t group = 0;
  for (; group + 8 <= groups; group += 8) take_chunk<G>(w, tile, group, 8, sums);
  if (group < groups) take_chunk<G>(w, tile, group, groups - group, sums);
}

template <int G, typename X>
static void all_tiles(const MatmulTask& task) {
  for_tiles<X>(task, [&task](const auto& tile, auto& sums) IFM_INLINE_LAMBDA { take_rows<G>(*task.weights, tile, sums); });
}

template <typename X>
static void all_groups(const MatmulTask& task) {
  if (task.weights->group == 32) return all_tiles<32, X>(task);
  if (task.weights->group == 64) return all_tiles<64, X>(task);
  all_tiles<128, X>(task);
}

}  // namespace ifm::avx2
