#include "inferometer/kernel/avx512/decode.h"

#include <immintrin.h>

#include "inferometer/kernel/avx512/digits.h"
#include "inferometer/kernel/avx512/far_rows.h"
#include "inferometer/kernel/avx512/lanes.h"
#include "inferometer/kernel/avx512/nibble_rows.h"
#include "inferometer/kernel/avx512/sums.h"
#include "inferometer/kernel/avx512/unrolled.h"

// Products of one token or a few, which wait for memory: 4-bit weights in place against inputs of two digits. A vector holds the
// nibbles of 128 weights, eight in each of 16 lanes. Four chained dots, two with the bytes as they lie and two with the bytes
// shifted, give a lane's exact sum (digits.h says why); lanes of one group share a factor, weight scale times input scale.
namespace ifm::avx512 {
namespace {

/// The scales of 16 groups' inputs; `at` is the first group.
template <int G>
__m512 input_scales(const Digits& x, int64_t at) {
  if constexpr (G == 64) return _mm512_loadu_ps(x.scales + at);
  const __m512i twice = _mm512_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7);
  return _mm512_permutexvar_ps(twice, _mm512_castps256_ps512(_mm256_loadu_ps(x.scales + at / 2)));
}

/// One line of R rows and T tokens. factor: one per group of 16, of which `spread` takes this line's.
template <int R, int T>
[[gnu::always_inline]] inline void take_line(const __m512i (&nibbles)[R], const Digits (&x)[T], int64_t line, __m512i spread,
                                             const __m512 (&factor)[R][T], __m512 (&sums)[R][T]) {
  __m512i shifted[R];
  unrolled<R>([&](auto r) { shifted[r] = _mm512_slli_epi32(nibbles[r], 4); });
  unrolled<T>([&](auto t) __attribute__((always_inline)) {
    const int8_t* digits = x[t].line(line);
    const __m512i high_a = load_once(digits);
    const __m512i high_e = load_once(digits + 64);
    const __m512i low_a = load_once(digits + 128);
    const __m512i low_e = load_once(digits + 192);
    unrolled<R>([&](auto r) __attribute__((always_inline)) {
      // 8 products of at most 255 * 32,639 stay within 27 bits.
      __m512i dots = _mm512_dpbusd_epi32(_mm512_dpbusd_epi32(_mm512_setzero_si512(), nibbles[r], high_a), shifted[r], high_e);
      dots = _mm512_slli_epi32(dots, 8);
      dots = _mm512_dpbusd_epi32(_mm512_dpbusd_epi32(dots, nibbles[r], low_a), shifted[r], low_e);
      sums[r][t] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dots), _mm512_permutexvar_ps(spread, factor[r][t]), sums[r][t]);
    });
  });
}

/// Whole rows. The order of the operations on one row and token does not depend on R and T.
template <typename Row, int R, int T>
[[gnu::always_inline]] inline void take_rows(const Row (&rows)[R], const Digits (&x)[T], int64_t k, __m512 (&result)[R][T]) {
  constexpr int kGroup = Row::kGroup;
  constexpr int64_t kLines = kGroup / 8;    // that 16 groups fill
  constexpr int64_t kGroups = 16 / kLines;  // in a line
  const __m512i first_spread = kGroup == 64 ? _mm512_setr_epi32(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1)
                                            : _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
  __m512 sums[R][T];  // of its own: the compiler would keep the caller's in memory
  unrolled<R>([&](auto r) { unrolled<T>([&](auto t) { sums[r][t] = _mm512_setzero_ps(); }); });
  for (int64_t begin = 0; begin < k; begin += 16 * kGroup) {
    const int64_t group = begin / kGroup;
    const int64_t groups = k - begin < 16 * kGroup ? (k - begin) / kGroup : 16;
    __m512 factor[R][T];
    unrolled<R>([&](auto r) __attribute__((always_inline)) {
      const Groups here = rows[r].groups(group, groups);
      unrolled<T>([&](auto t) __attribute__((always_inline)) {
        const __m512 sum = _mm512_maskz_loadu_ps(first_lanes(groups), (kGroup == 64 ? x[t].sums_of_64 : x[t].sums_of_32) + group);
        factor[r][t] = _mm512_maskz_mul_ps(first_lanes(groups), here.scale, input_scales<kGroup>(x[t], group));
        sums[r][t] = _mm512_fmadd_ps(here.bias, sum, sums[r][t]);
      });
    });
    __m512i spread = first_spread;
    const int64_t first_line = begin / 128;
    const int64_t whole = k - begin < 16 * kGroup ? (k - begin) / 128 : kLines;
    __m512i nibbles[R];
    for (int64_t line = 0; line < whole; ++line) {
      unrolled<R>([&](auto r) { nibbles[r] = rows[r].line(first_line + line); });
      take_line<R, T>(nibbles, x, first_line + line, spread, factor, sums);
      spread = _mm512_add_epi32(spread, _mm512_set1_epi32(kGroups));
    }
    if (whole < kLines && begin + whole * 128 < k) {
      unrolled<R>([&](auto r) { nibbles[r] = rows[r].part(first_line + whole, k - begin - whole * 128); });
      take_line<R, T>(nibbles, x, first_line + whole, spread, factor, sums);
    }
  }
  unrolled<R>([&](auto r) { unrolled<T>([&](auto t) { result[r][t] = sums[r][t]; }); });
}

template <typename NibbleRow>
struct InPlace {
  using Row = NibbleRow;
  using Inputs = Digits;
  static Digits inputs(const Activations& x, int64_t token) { return digits_of(x, token); }
  template <int R, int T>
  [[gnu::always_inline]] static void take(const Row (&rows)[R], const Digits (&x)[T], int64_t k, __m512 (&sums)[R][T]) {
    take_rows<Row, R, T>(rows, x, k, sums);
  }
};

template <int G, bool doubled>
void by_dtype(const MatmulTask& task) {
  if (task.weights->scale_dtype == DType::f16) return take_all<InPlace<MlxNibbleRow<G, doubled, DType::f16>>>(task);
  if (task.weights->scale_dtype == DType::bf16) return take_all<InPlace<MlxNibbleRow<G, doubled, DType::bf16>>>(task);
  take_all<InPlace<MlxNibbleRow<G, doubled, DType::f32>>>(task);
}

}  // namespace

void decode_affine4(const MatmulTask& task) {
  if (task.weights->group == 32) return by_dtype<32, false>(task);
  if (task.weights->group == 64) return by_dtype<64, false>(task);
  by_dtype<64, true>(task);
}

void decode_q4_0(const MatmulTask& task) { take_all<InPlace<GgmlNibbleRow<false>>>(task); }
void decode_q4_1(const MatmulTask& task) { take_all<InPlace<GgmlNibbleRow<true>>>(task); }

}  // namespace ifm::avx512
