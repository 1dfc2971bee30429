#include <immintrin.h>

#include "inferometer/kernel/avx512/byte_rows.h"
#include "inferometer/kernel/avx512/decode.h"
#include "inferometer/kernel/avx512/far_rows.h"
#include "inferometer/kernel/avx512/lanes.h"
#include "inferometer/kernel/avx512/quads.h"
#include "inferometer/kernel/avx512/sums.h"
#include "inferometer/kernel/avx512/super_block_rows.h"
#include "inferometer/kernel/avx512/unrolled.h"

// Fast products of one token or a few, which wait for memory: weights of 5, 6 and 8 bits and super-blocks, unpacked to bytes in
// registers, against int8 inputs with a shift per lane.
namespace ifm::avx512 {
namespace {

[[gnu::always_inline]] inline __m512i shifts_at(const Quads& x, int64_t line) {
  return _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(x.shifts + (x.count - 1 - line) * 16)));
}

/// Whole rows of super-blocks. The order of the operations on one row and token does not depend on R and T.
template <typename BlockRow, const Rounding& rounding>
struct SuperBlocks {
  using Row = BlockRow;
  using Inputs = Quads;
  static Quads inputs(const Activations& x, int64_t token) { return quads_of(rounding, x, token); }
  static float unit(const Quads& x) { return x.base; }

  template <int R, int T>
  [[gnu::always_inline]] static void take(const Row (&rows)[R], const Quads (&x)[T], int64_t k, Sums<R, T>& result) {
    __m512 sums[R][T];
    clear<R, T>(sums);
    for (int64_t block = 0; block < k / 256; ++block) {
      __m512 scales[R];
      unrolled<R>([&](auto r) __attribute__((always_inline)) {
        const BlockGroups groups = rows[r].block(block);
        scales[r] = groups.scales;
        unrolled<T>([&](auto t) __attribute__((always_inline)) {
          const float* of_inputs = x[t].sums + block * Row::kSums;
          const __m512 sum = Row::kSums == 16 ? _mm512_loadu_ps(of_inputs) : _mm512_castps256_ps512(_mm256_loadu_ps(of_inputs));
          if constexpr (Row::kSums == 16) {
            sums[r][t] = _mm512_fmadd_ps(groups.offsets, sum, sums[r][t]);
          } else {
            sums[r][t] = _mm512_mask3_fmadd_ps(groups.offsets, sum, sums[r][t], 0x00FF);
          }
        });
      });
      unrolled<2>([&](auto j) __attribute__((always_inline)) {
        const __m512i add = _mm512_set1_epi32(j * Row::kGroupsPerLine);
        const __m512i first_groups = _mm512_add_epi32(Row::first_groups(), add);
        const __m512i second_groups = _mm512_add_epi32(Row::second_groups(), add);
        take_line<R, T>(rows, x, block, j, first_groups, second_groups, scales, sums);
      });
    }
    copy<R, T>(sums, result);
  }

 private:
  template <int R, int T>
  [[gnu::always_inline]] static void take_line(const Row (&rows)[R], const Quads (&x)[T], int64_t block, int j,
                                               __m512i first_groups, __m512i second_groups, const __m512 (&scales)[R],
                                               Sums<R, T>& sums) {
    BytePair w[R];
    __m512 first_scale[R];
    __m512 second_scale[R];
    unrolled<R>([&](auto r) __attribute__((always_inline)) {
      w[r] = rows[r].line(block, j);
      first_scale[r] = _mm512_permutexvar_ps(first_groups, scales[r]);
      second_scale[r] = _mm512_permutexvar_ps(second_groups, scales[r]);
    });
    unrolled<T>([&](auto t) __attribute__((always_inline)) {
      const int64_t line = 2 * block + j;
      const int8_t* bytes = x[t].lines + (x[t].count - 1 - line) * 128;
      const __m512i first = load_once(bytes);
      const __m512i second = load_once(bytes + 64);
      const __m512i shift = shifts_at(x[t], line);
      const auto dot = [&](__m512i weights, __m512i inputs) __attribute__((always_inline)) {
        return _mm512_cvtepi32_ps(_mm512_sllv_epi32(_mm512_dpbusd_epi32(_mm512_setzero_si512(), weights, inputs), shift));
      };
      unrolled<R>([&](auto r) __attribute__((always_inline)) {
        sums[r][t] = _mm512_fmadd_ps(dot(w[r].first, first), first_scale[r], sums[r][t]);
        sums[r][t] = _mm512_fmadd_ps(dot(w[r].second, second), second_scale[r], sums[r][t]);
      });
    });
  }
};

/// Whole rows of 8-bit weights, alike.
template <typename ByteRow>
struct Bytes {
  using Row = ByteRow;
  using Inputs = Quads;
  static Quads inputs(const Activations& x, int64_t token) { return quads_of(kQuads, x, token); }
  static float unit(const Quads& x) { return x.base; }

  template <int R, int T>
  [[gnu::always_inline]] static void take(const Row (&rows)[R], const Quads (&x)[T], int64_t k, Sums<R, T>& result) {
    __m512 sums[R][T];
    clear<R, T>(sums);
    for (int64_t begin = 0; begin < k; begin += 512) {
      const int64_t here = k - begin < 512 ? k - begin : 512;
      __m512 scales[R];
      if constexpr (Row::kHasOffsets) {
        const __mmask16 mask = first_lanes(here / 32);
        unrolled<R>([&](auto r) __attribute__((always_inline)) {
          const Groups groups = rows[r].groups(begin / 32, here / 32);
          scales[r] = groups.scale;
          unrolled<T>([&](auto t) __attribute__((always_inline)) {
            sums[r][t] = _mm512_fmadd_ps(groups.bias, _mm512_maskz_loadu_ps(mask, x[t].sums + begin / 32), sums[r][t]);
          });
        });
      }
      __m512i spread = _mm512_setr_epi32(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1);
      for (int64_t line = begin / 64; line < (begin + here) / 64; ++line) {
        take_line<R, T, true>(rows, x, line, spread, scales, sums);
        spread = _mm512_add_epi32(spread, _mm512_set1_epi32(2));
      }
      if (here % 64 != 0) take_line<R, T, false>(rows, x, (begin + here) / 64, spread, scales, sums);
    }
    copy<R, T>(sums, result);
  }

 private:
  template <int R, int T, bool whole>
  [[gnu::always_inline]] static void take_line(const Row (&rows)[R], const Quads (&x)[T], int64_t line, __m512i spread,
                                               const __m512 (&scales)[R], Sums<R, T>& sums) {
    __m512i w[R];
    __m512 scale[R];
    unrolled<R>([&](auto r) __attribute__((always_inline)) {
      w[r] = whole ? rows[r].line(line) : rows[r].part(line);
      if constexpr (Row::kHasOffsets) {
        scale[r] = _mm512_permutexvar_ps(spread, scales[r]);
      } else {
        scale[r] = whole ? rows[r].line_scales(line) : rows[r].part_scales(line);
      }
    });
    unrolled<T>([&](auto t) __attribute__((always_inline)) {
      const __m512i inputs = load_once(x[t].lines + (x[t].count - 1 - line) * 64);
      const __m512i shift = shifts_at(x[t], line);
      __m512i zeros = _mm512_setzero_si512();
      if constexpr (Row::kZero != 0) zeros = _mm512_dpbusd_epi32(zeros, _mm512_set1_epi8(static_cast<char>(Row::kZero)), inputs);
      unrolled<R>([&](auto r) __attribute__((always_inline)) {
        __m512i dots = _mm512_dpbusd_epi32(_mm512_setzero_si512(), w[r], inputs);
        if constexpr (Row::kZero != 0) dots = _mm512_sub_epi32(dots, zeros);
        sums[r][t] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(_mm512_sllv_epi32(dots, shift)), scale[r], sums[r][t]);
      });
    });
  }
};

template <int G>
void affine8_by_dtype(const MatmulTask& task) {
  if (task.weights->scale_dtype == DType::f16) return take_all<Bytes<MlxByteRow<G, DType::f16>>>(task);
  if (task.weights->scale_dtype == DType::bf16) return take_all<Bytes<MlxByteRow<G, DType::bf16>>>(task);
  take_all<Bytes<MlxByteRow<G, DType::f32>>>(task);
}

}  // namespace

void decode_affine8(const MatmulTask& task) {
  if (task.weights->group == 32) return affine8_by_dtype<32>(task);
  if (task.weights->group == 64) return affine8_by_dtype<64>(task);
  affine8_by_dtype<128>(task);
}
void decode_q8_0(const MatmulTask& task) { take_all<Bytes<Q8Row>>(task); }
void decode_q4_k(const MatmulTask& task) { take_all<SuperBlocks<KRow<false>, kQuads32Apart>>(task); }
void decode_q5_k(const MatmulTask& task) { take_all<SuperBlocks<KRow<true>, kQuads32Apart>>(task); }
void decode_q6_k(const MatmulTask& task) { take_all<SuperBlocks<Q6Row, kQuads64Apart>>(task); }

}  // namespace ifm::avx512
