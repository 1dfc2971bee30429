#include "inferometer/kernel/avx512/decode.h"

#include <immintrin.h>

#include "inferometer/kernel/avx512/digits.h"
#include "inferometer/kernel/avx512/far_rows.h"
#include "inferometer/kernel/avx512/lane_shifts.h"
#include "inferometer/kernel/avx512/lane_tiles.h"
#include "inferometer/kernel/avx512/lanes.h"
#include "inferometer/kernel/avx512/nibble_lines.h"
#include "inferometer/kernel/avx512/nibble_rows.h"
#include "inferometer/kernel/avx512/sums.h"
#include "inferometer/kernel/avx512/unrolled.h"

// Products of one token or a few, which wait for memory: 4-bit weights in place. A vector holds the nibbles of 128 weights, eight
// in each of 16 lanes, and two vectors, a pair, become one with the even lanes and one with the odd ones (nibble_lines.h):
// chained dots of both, with the bytes as they lie and with the bytes shifted, give a lane's exact sum of 16 products.
namespace ifm::avx512 {
namespace {

/// A pair of a row.
struct Nibbles {
  __m512i even, even_shifted, odd, odd_shifted;

  Nibbles() = default;
  [[gnu::always_inline]] Nibbles(__m512i first, __m512i second)
      : even(even_lanes(first, second)),
        even_shifted(_mm512_slli_epi32(even, 4)),
        odd(odd_lanes(first, second)),
        odd_shifted(_mm512_slli_epi32(odd, 4)) {}
};

/// What a pair of inputs has for one digit.
struct InputBytes {
  __m512i even_a, even_e, odd_a, odd_e;

  [[gnu::always_inline]] explicit InputBytes(const std::byte* from)
      : even_a(load_once(from)), even_e(load_once(from + 64)), odd_a(load_once(from + 128)), odd_e(load_once(from + 192)) {}
  [[gnu::always_inline]] [[nodiscard]] __m512i dot(__m512i from, const Nibbles& w) const {
    const __m512i even = _mm512_dpbusd_epi32(_mm512_dpbusd_epi32(from, w.even, even_a), w.even_shifted, even_e);
    return _mm512_dpbusd_epi32(_mm512_dpbusd_epi32(even, w.odd, odd_a), w.odd_shifted, odd_e);
  }
};

/// Two-digit inputs, with scales per 64 values.
struct ByDigits {
  using Inputs = Digits;
  static constexpr bool kScaledByGroup = true;
  static Inputs inputs(const Activations& x, int64_t token) { return digits_of(x, token); }

  InputBytes high, low;
  [[gnu::always_inline]] ByDigits(const Digits& x, int64_t pair) : high(x.pair(pair)), low(x.pair(pair) + 256) {}
  /// 16 products of at most 255 * 32,639 stay within 28 bits.
  [[gnu::always_inline]] [[nodiscard]] __m512 dot(const Nibbles& w) const {
    return _mm512_cvtepi32_ps(low.dot(_mm512_slli_epi32(high.dot(_mm512_setzero_si512(), w), 8), w));
  }

  /// Of 16 groups, of which `at` is the first.
  template <int G>
  static __m512 scales(const Digits& x, int64_t at) {
    if constexpr (G == 64) return _mm512_loadu_ps(x.scales + at);
    const __m512i twice = _mm512_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7);
    return _mm512_permutexvar_ps(twice, _mm512_castps256_ps512(_mm256_loadu_ps(x.scales + at / 2)));
  }
};

/// int8 inputs with a shift per lane. A dot is added to the bits of a float so large that its last place is 1, and whose exponent
/// has the shift: what remains when that float is taken off is the shifted dot.
struct ByShifts {
  using Inputs = LaneShifts;
  static constexpr bool kScaledByGroup = false;
  static Inputs inputs(const Activations& x, int64_t token) { return lane_shifts_of(x, token); }

  InputBytes bytes;
  __m512i start;
  [[gnu::always_inline]] ByShifts(const LaneShifts& x, int64_t pair)
      : bytes(x.pair(pair)), start(load_once(x.pair(pair) + 256)) {}
  /// 16 products of at most 255 * 127 stay within 19 bits; 22 have room.
  [[gnu::always_inline]] [[nodiscard]] __m512 shifted(__m512i dot) const {
    return _mm512_sub_ps(_mm512_castsi512_ps(dot), _mm512_castsi512_ps(start));
  }
  [[gnu::always_inline]] [[nodiscard]] __m512 dot(const Nibbles& w) const { return shifted(bytes.dot(start, w)); }
};

/// From this many tokens on, rows pass by slowly enough for fetching ahead to help (by a tenth at 8); with one it costs a fifth.
constexpr int kFetching = 4;

/// Factors of 16 groups: one for each token where its inputs have scales of their own, else one for all.
template <typename By, int T>
inline constexpr int kFactors = By::kScaledByGroup ? T : 1;

/// One pair of R rows and T tokens. `spread` takes its groups out of the 16 that `factor` holds.
template <typename By, int R, int T>
[[gnu::always_inline]] inline void take_pair(const Nibbles (&nibbles)[R], const typename By::Inputs (&x)[T], int64_t pair,
                                             __m512i spread, const __m512 (&factor)[R][kFactors<By, T>], __m512 (&sums)[R][T]) {
  __m512 spread_factor[R][kFactors<By, T>];
  unrolled<R>([&](auto r) __attribute__((always_inline)) {
    unrolled<kFactors<By, T>>([&](auto t) { spread_factor[r][t] = _mm512_permutexvar_ps(spread, factor[r][t]); });
  });
  unrolled<T>([&](auto t) __attribute__((always_inline)) {
    const By inputs(x[t], pair);
    unrolled<R>([&](auto r) __attribute__((always_inline)) {
      sums[r][t] =
          _mm512_fmadd_ps(inputs.dot(nibbles[r]), spread_factor[r][By::kScaledByGroup ? static_cast<int>(t) : 0], sums[r][t]);
    });
  });
}

/// The nibbles of a pair of which `values`, fewer than 256, are there.
template <typename Row>
[[gnu::always_inline]] inline Nibbles part_of_pair(const Row& row, int64_t pair, int64_t values) {
  const bool two = values > kLineValues;
  const __m512i first = values >= kLineValues ? row.line(2 * pair) : row.part(2 * pair, values);
  return {first, two ? row.part(2 * pair + 1, values - kLineValues) : _mm512_setzero_si512()};
}

/// Whole rows. The order of the operations on one row and token does not depend on R and T.
template <typename By, typename Row, int R, int T>
[[gnu::always_inline]] inline void take_rows(const Row (&rows)[R], const typename By::Inputs (&x)[T], int64_t k,
                                             __m512 (&result)[R][T]) {
  constexpr int kGroup = Row::kGroup;
  constexpr int kPairs = kGroup / 16;   // that 16 groups fill
  constexpr int kGroups = 16 / kPairs;  // in a pair
  __m512 sums[R][T];
  clear<R, T>(sums);
  // `groups` from `begin` on, a constant where there are 16: adds what biases give and sets the factors.
  __m512 factor[R][kFactors<By, T>];
  const auto open_groups = [&](int64_t begin, auto groups) __attribute__((always_inline)) {
    const int64_t group = begin / kGroup;
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
  };
  Nibbles nibbles[R];
  const auto take_whole = [&](int64_t pair, __m512i spread) __attribute__((always_inline)) {
    unrolled<R>([&](auto r) {
      const int64_t line = 2 * pair;
      nibbles[r] = Nibbles(rows[r].line(line), rows[r].line(line + 1));
      if constexpr (T >= kFetching) {
        rows[r].fetch(line);
        rows[r].fetch(line + 1);
      }
    });
    take_pair<By, R, T>(nibbles, x, pair, spread, factor, sums);
  };
  const auto spread_at = [](int64_t pair) {
    return _mm512_add_epi32(groups_of_pair<kGroup>(), _mm512_set1_epi32(static_cast<int>(kGroups * pair)));
  };
  int64_t begin = 0;
  for (; begin + 16 * kGroup <= k; begin += 16 * kGroup) {
    open_groups(begin, Index<16>{});
    unrolled<kPairs>([&](auto pair) { take_whole(begin / kPairValues + pair, spread_at(pair)); });
  }
  if (begin < k) {
    open_groups(begin, (k - begin) / kGroup);
    const int64_t first = begin / kPairValues;
    const int64_t whole = (k - begin) / kPairValues;
    for (int64_t pair = 0; pair < whole; ++pair) take_whole(first + pair, spread_at(pair));
    if (begin + whole * kPairValues < k) {
      unrolled<R>([&](auto r) { nibbles[r] = part_of_pair(rows[r], first + whole, k - begin - whole * kPairValues); });
      take_pair<By, R, T>(nibbles, x, first + whole, spread_at(whole), factor, sums);
    }
  }
  copy<R, T>(sums, result);
}

/// Whole rows of blocks that have their scales between the nibbles, alike.
template <typename NibbleRow>
struct InBlocks {
  using Row = NibbleRow;
  using Inputs = LaneShifts;
  static Inputs inputs(const Activations& x, int64_t token) { return lane_shifts_of(x, token); }
  static float unit(const Inputs& x) { return x.base; }

  template <int R, int T>
  [[gnu::always_inline]] static void take(const Row (&rows)[R], const Inputs (&x)[T], int64_t k, __m512 (&result)[R][T]) {
    __m512 sums[R][T];
    clear<R, T>(sums);
    Nibbles nibbles[R];
    Groups groups[R];
    for (int64_t pair = 0; pair < k / kPairValues; ++pair) {
      unrolled<R>([&](auto r) __attribute__((always_inline)) {
        const ScaledLine first = rows[r].scaled_line(2 * pair);
        const ScaledLine second = rows[r].scaled_line(2 * pair + 1);
        nibbles[r] = Nibbles(first.nibbles, second.nibbles);
        groups[r] = Row::groups_of(first, second);
        if constexpr (T >= kFetching) {
          rows[r].fetch(2 * pair);
          rows[r].fetch(2 * pair + 1);
        }
      });
      take_one<R, T>(nibbles, groups, x, pair, sums);
    }
    if (k % kPairValues != 0) {
      const int64_t pair = k / kPairValues;
      unrolled<R>([&](auto r) {
        nibbles[r] = part_of_pair(rows[r], pair, k % kPairValues);
        const Groups here = rows[r].groups(8 * pair, k % kPairValues / 32);
        groups[r] = {_mm512_permutexvar_ps(groups_of_pair<32>(), here.scale),
                     _mm512_permutexvar_ps(groups_of_pair<32>(), here.bias)};
      });
      take_one<R, T>(nibbles, groups, x, pair, sums);
    }
    copy<R, T>(sums, result);
  }

 private:
  template <int R, int T>
  [[gnu::always_inline]] static void take_one(const Nibbles (&nibbles)[R], const Groups (&groups)[R], const Inputs (&x)[T],
                                              int64_t pair, __m512 (&sums)[R][T]) {
    // Weights of 8 (whose eight nibbles are all 8), or of 1.
    const __m512i same = _mm512_set1_epi32(Row::kHasBiases ? 0x11111111 : static_cast<int>(0x88888888U));
    const Nibbles zeros(same, same);
    unrolled<T>([&](auto t) __attribute__((always_inline)) {
      const ByShifts inputs(x[t], pair);
      const __m512i of_zeros = inputs.bytes.dot(Row::kHasBiases ? inputs.start : _mm512_setzero_si512(), zeros);
      const __m512i from = Row::kHasBiases ? inputs.start : _mm512_sub_epi32(inputs.start, of_zeros);
      const __m512 lane_sums = inputs.shifted(of_zeros);
      unrolled<R>([&](auto r) __attribute__((always_inline)) {
        sums[r][t] = _mm512_fmadd_ps(inputs.shifted(inputs.bytes.dot(from, nibbles[r])), groups[r].scale, sums[r][t]);
        if constexpr (Row::kHasBiases) sums[r][t] = _mm512_fmadd_ps(lane_sums, groups[r].bias, sums[r][t]);
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
  static float unit(const Inputs& x) requires(!By::kScaledByGroup) { return x.base; }
  static int64_t tile_rows(int64_t k) requires(!By::kScaledByGroup) { return LaneTiles::most_rows(k); }
  static void take_tiles(const MatmulTask& task, const Inputs* inputs, int64_t token, int64_t tokens, int64_t row, int64_t count,
                         int64_t distance) {
    const bool more = row + count < task.row_begin + distance;
    LaneTiles tiles(*task.weights, inputs, tokens, row, count, distance, more);
    tiles.write(task.out + token * task.out_stride + row, task.out_stride);
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
