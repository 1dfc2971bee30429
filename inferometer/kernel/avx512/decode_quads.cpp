#include <immintrin.h>

#include "inferometer/kernel/avx512/byte_rows.h"
#include "inferometer/kernel/avx512/decode.h"
#include "inferometer/kernel/avx512/far_rows.h"
#include "inferometer/kernel/avx512/lanes.h"
#include "inferometer/kernel/avx512/quads.h"
#include "inferometer/kernel/avx512/sums.h"
#include "inferometer/kernel/avx512/unrolled.h"

// Fast products of one token or a few, which wait for memory: 8-bit weights against int8 inputs with a shift
// per lane.
namespace ifm::avx512 {
namespace {

[[gnu::always_inline]] inline __m512i shifts_at(const Quads& x, int64_t line) {
  return _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(x.shifts + (x.count - 1 - line) * 16)));
}

/// Whole rows. The order of the operations on one row and token does not depend on R and T.
template <typename ByteRow>
struct Bytes {
  using Row = ByteRow;
  using Inputs = Quads;
  static Quads inputs(const Activations& x, int64_t token) { return quads_of(x, token); }
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

}  // namespace ifm::avx512
