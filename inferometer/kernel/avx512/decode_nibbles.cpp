#include "inferometer/kernel/avx512/decode.h"

#include <immintrin.h>

#include "inferometer/kernel/avx512/digits.h"
#include "inferometer/kernel/avx512/far_rows.h"
#include "inferometer/kernel/avx512/lane_shifts.h"
#include "inferometer/kernel/avx512/lanes.h"
#include "inferometer/kernel/avx512/nibble_rows.h"
#include "inferometer/kernel/avx512/sums.h"
#include "inferometer/kernel/avx512/unrolled.h"

// Products of one token or a few, which wait for memory: 4-bit weights in place against inputs of two digits. A vector holds the
// nibbles of 128 weights, eight in each of 16 lanes. Four chained dots, two with the bytes as they lie and two with the bytes
// shifted, give a lane's exact sum (digits.h says why); lanes of one group share a factor, weight scale times input scale.
namespace ifm::avx512 {
namespace {

/// Two-digit inputs, with scales per 64 values.
struct ByDigits {
  using Inputs = Digits;
  static constexpr bool kScaledByGroup = true;
  static Inputs inputs(const Activations& x, int64_t token) { return digits_of(x, token); }

  __m512i high_a, high_e, low_a, low_e;
  [[gnu::always_inline]] ByDigits(const Digits& x, int64_t line) {
    const int8_t* digits = x.line(line);
    high_a = load_once(digits);
    high_e = load_once(digits + 64);
    low_a = load_once(digits + 128);
    low_e = load_once(digits + 192);
  }
  /// 8 products of at most 255 * 32,639 stay within 27 bits.
  [[gnu::always_inline]] [[nodiscard]] __m512i dot(__m512i v, __m512i u) const {
    const __m512i high = _mm512_dpbusd_epi32(_mm512_dpbusd_epi32(_mm512_setzero_si512(), v, high_a), u, high_e);
    return _mm512_dpbusd_epi32(_mm512_dpbusd_epi32(_mm512_slli_epi32(high, 8), v, low_a), u, low_e);
  }

  /// Of 16 groups, of which `at` is the first.
  template <int G>
  static __m512 scales(const Digits& x, int64_t at) {
    if constexpr (G == 64) return _mm512_loadu_ps(x.scales + at);
    const __m512i twice = _mm512_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7);
    return _mm512_permutexvar_ps(twice, _mm512_castps256_ps512(_mm256_loadu_ps(x.scales + at / 2)));
  }
};

/// int8 inputs with a shift per lane.
struct ByShifts {
  using Inputs = LaneShifts;
  static constexpr bool kScaledByGroup = false;
  static Inputs inputs(const Activations& x, int64_t token) { return lane_shifts_of(x, token); }

  __m512i a, e, shift;
  [[gnu::always_inline]] ByShifts(const LaneShifts& x, int64_t line) {
    const int8_t* bytes = x.line(line);
    a = load_once(bytes);
    e = load_once(bytes + 64);
    shift = _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(x.line_shifts(line))));
  }
  /// 8 products of at most 255 * 127, shifted by up to 12, stay within 30 bits.
  [[gnu::always_inline]] [[nodiscard]] __m512i unshifted_dot(__m512i v, __m512i u) const {
    return _mm512_dpbusd_epi32(_mm512_dpbusd_epi32(_mm512_setzero_si512(), v, a), u, e);
  }
  [[gnu::always_inline]] [[nodiscard]] __m512i dot(__m512i v, __m512i u) const {
    return _mm512_sllv_epi32(unshifted_dot(v, u), shift);
  }
};

/// From this many tokens on, rows pass by slowly enough for fetching ahead to help (by a tenth at 8); with one it costs a fifth.
constexpr int kFetching = 4;

/// Factors of 16 groups: one for each token where its inputs have scales of their own, else one for all.
template <typename By, int T>
inline constexpr int kFactors = By::kScaledByGroup ? T : 1;

/// One line of R rows and T tokens. `spread` takes this line's groups out of the 16 that `factor` holds.
template <typename By, int R, int T>
[[gnu::always_inline]] inline void take_line(const __m512i (&nibbles)[R], const typename By::Inputs (&x)[T], int64_t line,
                                             __m512i spread, const __m512 (&factor)[R][kFactors<By, T>], __m512 (&sums)[R][T]) {
  __m512i shifted[R];
  __m512 spread_factor[R][kFactors<By, T>];
  unrolled<R>([&](auto r) __attribute__((always_inline)) {
    shifted[r] = _mm512_slli_epi32(nibbles[r], 4);
    unrolled<kFactors<By, T>>([&](auto t) { spread_factor[r][t] = _mm512_permutexvar_ps(spread, factor[r][t]); });
  });
  unrolled<T>([&](auto t) __attribute__((always_inline)) {
    const By inputs(x[t], line);
    unrolled<R>([&](auto r) __attribute__((always_inline)) {
      const __m512 dots = _mm512_cvtepi32_ps(inputs.dot(nibbles[r], shifted[r]));
      sums[r][t] = _mm512_fmadd_ps(dots, spread_factor[r][By::kScaledByGroup ? static_cast<int>(t) : 0], sums[r][t]);
    });
  });
}

/// Whole rows. The order of the operations on one row and token does not depend on R and T.
template <typename By, typename Row, int R, int T>
[[gnu::always_inline]] inline void take_rows(const Row (&rows)[R], const typename By::Inputs (&x)[T], int64_t k,
                                             __m512 (&result)[R][T]) {
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
    __m512 factor[R][kFactors<By, T>];
    unrolled<R>([&](auto r) __attribute__((always_inline)) {
      const Groups here = rows[r].groups(group, groups);
      unrolled<T>([&](auto t) __attribute__((always_inline)) {
        const __m512 sum = _mm512_maskz_loadu_ps(first_lanes(groups), (kGroup == 64 ? x[t].sums_of_64 : x[t].sums_of_32) + group);
        if constexpr (By::kScaledByGroup)
          factor[r][t] = _mm512_maskz_mul_ps(first_lanes(groups), here.scale, By::template scales<kGroup>(x[t], group));
        sums[r][t] = _mm512_fmadd_ps(here.bias, sum, sums[r][t]);
      });
      if constexpr (!By::kScaledByGroup) factor[r][0] = here.scale;
    });
    __m512i spread = first_spread;
    const int64_t first_line = begin / 128;
    const int64_t whole = k - begin < 16 * kGroup ? (k - begin) / 128 : kLines;
    __m512i nibbles[R];
    for (int64_t line = 0; line < whole; ++line) {
      unrolled<R>([&](auto r) {
        nibbles[r] = rows[r].line(first_line + line);
        if constexpr (T >= kFetching) rows[r].fetch(first_line + line);
      });
      take_line<By, R, T>(nibbles, x, first_line + line, spread, factor, sums);
      spread = _mm512_add_epi32(spread, _mm512_set1_epi32(kGroups));
    }
    if (whole < kLines && begin + whole * 128 < k) {
      unrolled<R>([&](auto r) { nibbles[r] = rows[r].part(first_line + whole, k - begin - whole * 128); });
      take_line<By, R, T>(nibbles, x, first_line + whole, spread, factor, sums);
    }
  }
  unrolled<T>([&](auto t) __attribute__((always_inline)) {
    if constexpr (!By::kScaledByGroup)
      unrolled<R>([&](auto r) { sums[r][t] = _mm512_mul_ps(sums[r][t], _mm512_set1_ps(x[t].base)); });
    unrolled<R>([&](auto r) { result[r][t] = sums[r][t]; });
  });
}

/// Whole rows of blocks that have their scales between the nibbles, alike.
template <typename NibbleRow>
struct InBlocks {
  using Row = NibbleRow;
  using Inputs = LaneShifts;
  static Inputs inputs(const Activations& x, int64_t token) { return lane_shifts_of(x, token); }

  template <int R, int T>
  [[gnu::always_inline]] static void take(const Row (&rows)[R], const Inputs (&x)[T], int64_t k, __m512 (&result)[R][T]) {
    __m512 sums[R][T];
    unrolled<R>([&](auto r) { unrolled<T>([&](auto t) { sums[r][t] = _mm512_setzero_ps(); }); });
    ScaledLine lines[R];
    for (int64_t line = 0; line < k / 128; ++line) {
      unrolled<R>([&](auto r) __attribute__((always_inline)) {
        lines[r] = rows[r].scaled_line(line);
        if constexpr (T >= kFetching) rows[r].fetch(line);
      });
      take_one<R, T>(lines, x, line, sums);
    }
    if (k % 128 != 0) {
      unrolled<R>([&](auto r) { lines[r] = rows[r].scaled_part(k / 128, k % 128); });
      take_one<R, T>(lines, x, k / 128, sums);
    }
    unrolled<R>(
        [&](auto r) { unrolled<T>([&](auto t) { result[r][t] = _mm512_mul_ps(sums[r][t], _mm512_set1_ps(x[t].base)); }); });
  }

 private:
  template <int R, int T>
  [[gnu::always_inline]] static void take_one(const ScaledLine (&lines)[R], const Inputs (&x)[T], int64_t line,
                                              __m512 (&sums)[R][T]) {
    unrolled<T>([&](auto t) __attribute__((always_inline)) {
      const ByShifts inputs(x[t], line);
      // What weights of 8 (whose eight nibbles are all 8), or of 1, would give.
      const __m512i zeros = _mm512_set1_epi32(Row::kHasBiases ? 0x11111111 : static_cast<int>(0x88888888U));
      const __m512i of_zeros = inputs.unshifted_dot(zeros, _mm512_slli_epi32(zeros, 4));
      const __m512 lane_sums = _mm512_cvtepi32_ps(_mm512_sllv_epi32(of_zeros, inputs.shift));
      unrolled<R>([&](auto r) __attribute__((always_inline)) {
        __m512i dots = inputs.unshifted_dot(lines[r].nibbles, _mm512_slli_epi32(lines[r].nibbles, 4));
        if constexpr (!Row::kHasBiases) dots = _mm512_sub_epi32(dots, of_zeros);
        dots = _mm512_sllv_epi32(dots, inputs.shift);
        sums[r][t] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dots), lines[r].scales, sums[r][t]);
        if constexpr (Row::kHasBiases) sums[r][t] = _mm512_fmadd_ps(lane_sums, lines[r].biases, sums[r][t]);
      });
    });
  }
};

template <typename By, typename NibbleRow>
struct InPlace {
  using Row = NibbleRow;
  using Inputs = typename By::Inputs;
  static Inputs inputs(const Activations& x, int64_t token) { return By::inputs(x, token); }
  template <int R, int T>
  [[gnu::always_inline]] static void take(const Row (&rows)[R], const Inputs (&x)[T], int64_t k, __m512 (&sums)[R][T]) {
    take_rows<By, Row, R, T>(rows, x, k, sums);
  }
};

template <typename By, int G, bool doubled>
void by_dtype(const MatmulTask& task) {
  if (task.weights->scale_dtype == DType::f16) return take_all<InPlace<By, MlxNibbleRow<G, doubled, DType::f16>>>(task);
  if (task.weights->scale_dtype == DType::bf16) return take_all<InPlace<By, MlxNibbleRow<G, doubled, DType::bf16>>>(task);
  take_all<InPlace<By, MlxNibbleRow<G, doubled, DType::f32>>>(task);
}

template <typename By>
void by_group(const MatmulTask& task) {
  if (task.weights->group == 32) return by_dtype<By, 32, false>(task);
  if (task.weights->group == 64) return by_dtype<By, 64, false>(task);
  by_dtype<By, 64, true>(task);
}

}  // namespace

void decode_affine4(const MatmulTask& task) { by_group<ByShifts>(task); }
void decode_q4_0(const MatmulTask& task) { take_all<InBlocks<GgmlNibbleRow<false>>>(task); }
void decode_q4_1(const MatmulTask& task) { take_all<InBlocks<GgmlNibbleRow<true>>>(task); }

void decode_exact_affine4(const MatmulTask& task) { by_group<ByDigits>(task); }
void decode_exact_q4_0(const MatmulTask& task) { take_all<InPlace<ByDigits, GgmlNibbleRow<false>>>(task); }
void decode_exact_q4_1(const MatmulTask& task) { take_all<InPlace<ByDigits, GgmlNibbleRow<true>>>(task); }

}  // namespace ifm::avx512
