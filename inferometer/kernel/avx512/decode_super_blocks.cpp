#include <immintrin.h>

#include "inferometer/kernel/avx512/block_shifts.h"
#include "inferometer/kernel/avx512/decode.h"
#include "inferometer/kernel/avx512/far_rows.h"
#include "inferometer/kernel/avx512/sums.h"
#include "inferometer/kernel/avx512/super_block_rows.h"
#include "inferometer/kernel/avx512/unrolled.h"

// Fast products of one token or a few with GGML's super-blocks, unpacked to bytes in registers. As with 4-bit weights, a dot is
// added to the bits of a float whose exponent has the lane's shift, and what remains when that float is taken off is the shifted
// dot (decode_nibbles.cpp): 8 products of at most 240 * 127 stay within 19 bits; 22 have room.
namespace ifm::avx512 {
namespace {

/// Whole rows. The order of the operations on one row and token does not depend on R and T.
template <typename BlockRow>
struct SuperBlocks {
  using Row = BlockRow;
  using Inputs = BlockShifts;
  static BlockShifts inputs(const Activations& x, int64_t token) { return block_shifts_of(x, token); }
  static float unit(const BlockShifts& x) { return x.base; }

  template <int R, int T>
  [[gnu::always_inline]] static void take(const Row (&rows)[R], const BlockShifts (&x)[T], int64_t k, Sums<R, T>& result) {
    __m512 sums[R][T];
    clear<R, T>(sums);
    const __m512i low_groups = Row::low_groups();
    const __m512i high_groups = Row::high_groups();
    for (int64_t block = 0; block < k / 256; ++block) {
      BlockWeights w[R];
      __m512 factors[R];
      __m512 low_scale[R];
      __m512 high_scale[R];
      unrolled<R>([&](auto r) __attribute__((always_inline)) {
        factors[r] = rows[r].factors(block);
        low_scale[r] = _mm512_permutexvar_ps(low_groups, factors[r]);
        high_scale[r] = _mm512_permutexvar_ps(high_groups, factors[r]);
        w[r] = rows[r].weights(block);
      });
      unrolled<T>([&](auto t) __attribute__((always_inline)) {
        const std::byte* at = x[t].block(block);
        const __m512i low_even = load_once(at);
        const __m512i low_odd = load_once(at + 64);
        const __m512i high_even = load_once(at + 128);
        const __m512i high_odd = load_once(at + 192);
        const __m512i start = load_once(at + 256);
        const __m512i high_start = _mm512_sub_epi32(start, _mm512_set1_epi32(Row::kHighBits << 23));
        const __m512 offset_sums = _mm512_castsi512_ps(load_once(at + 320));
        const auto less = [](__m512i dots, __m512i from) __attribute__((always_inline)) {
          return _mm512_sub_ps(_mm512_castsi512_ps(dots), _mm512_castsi512_ps(from));
        };
        unrolled<R>([&](auto r) __attribute__((always_inline)) {
          const __m512i low = _mm512_dpbusd_epi32(_mm512_dpbusd_epi32(start, w[r].low_even, low_even), w[r].low_odd, low_odd);
          const __m512i high =
              _mm512_dpbusd_epi32(_mm512_dpbusd_epi32(high_start, w[r].high_even, high_even), w[r].high_odd, high_odd);
          sums[r][t] = _mm512_fmadd_ps(factors[r], offset_sums, sums[r][t]);
          sums[r][t] = _mm512_fmadd_ps(less(low, start), low_scale[r], sums[r][t]);
          sums[r][t] = _mm512_fmadd_ps(less(high, high_start), high_scale[r], sums[r][t]);
        });
      });
    }
    copy<R, T>(sums, result);
  }
};

}  // namespace

void decode_q4_k(const MatmulTask& task) { take_all<SuperBlocks<KRow<false>>>(task); }
void decode_q5_k(const MatmulTask& task) { take_all<SuperBlocks<KRow<true>>>(task); }
void decode_q6_k(const MatmulTask& task) { take_all<SuperBlocks<Q6Row>>(task); }

}  // namespace ifm::avx512
