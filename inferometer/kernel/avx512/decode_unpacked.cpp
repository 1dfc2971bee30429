#include "inferometer/kernel/avx512/decode.h"
#include "inferometer/kernel/avx512/far_rows.h"
#include "inferometer/kernel/avx512/lane_steps.h"
#include "inferometer/kernel/avx512/lanes.h"
#include "inferometer/kernel/avx512/sums.h"
#include "inferometer/kernel/avx512/unpacked.h"
#include "inferometer/kernel/avx512/unrolled.h"

// Products of one token or a few, which wait for memory: weights of any integer packing, unpacked in registers, against inputs of
// two digits.
namespace ifm::avx512 {
namespace {

/// Whole rows. The order of the operations on one row and token does not depend on R and T.
template <typename Layout, int R, int T>
[[gnu::always_inline]] inline void take_rows(const PackedRow (&rows)[R], const LaneStep* const (&x)[T], int64_t k,
                                             __m512 (&result)[R][T]) {
  __m512 sums[R][T];
  clear<R, T>(sums);
  Kept kept[R];
  const int64_t steps = lane_steps_of(k);
  for (int64_t step = 0; step < steps; ++step) {
    Unpacked w[R];
    const bool whole = 64 * (step + 1) <= k;
    unrolled<R>([&](auto r) __attribute__((always_inline)) { w[r] = Layout::load(rows[r], step, whole, kept[r]); });
    unrolled<T>([&](auto t) __attribute__((always_inline)) {
      const LaneStep& at = *(x[t] - step);
      const __m512i high = load_once(at.high);
      const __m512i low = load_once(at.low);
      const __m512 scale = _mm512_set1_ps(at.scale);
      unrolled<R>([&](auto r) __attribute__((always_inline)) {
        __m512i dots = _mm512_slli_epi32(_mm512_dpbusd_epi32(_mm512_setzero_si512(), w[r].bytes, high), 8);
        dots = _mm512_dpbusd_epi32(dots, w[r].bytes, low);
        if constexpr (Layout::kZeroBits > 0)
          dots = _mm512_sub_epi32(dots, _mm512_slli_epi32(_mm512_loadu_si512(at.lane_sums), Layout::kZeroBits));
        sums[r][t] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dots), _mm512_mul_ps(w[r].scale, scale), sums[r][t]);
        if constexpr (Layout::kHasOffsets) sums[r][t] = _mm512_fmadd_ps(w[r].offset, _mm512_loadu_ps(at.scaled_sums), sums[r][t]);
      });
    });
  }
  copy<R, T>(sums, result);
}

template <typename Layout>
struct InRegisters {
  using Row = PackedRow;
  using Inputs = const LaneStep*;
  static Inputs inputs(const Activations& x, int64_t token) { return lane_steps(x, token); }
  template <int R, int T>
  [[gnu::always_inline]] static void take(const Row (&rows)[R], const Inputs (&x)[T], int64_t k, __m512 (&sums)[R][T]) {
    take_rows<Layout, R, T>(rows, x, k, sums);
  }
};

template <int G>
void affine8_by_dtype(const MatmulTask& task) {
  if (task.weights->scale_dtype == DType::f16) return take_all<InRegisters<Affine8<G, DType::f16>>>(task);
  if (task.weights->scale_dtype == DType::bf16) return take_all<InRegisters<Affine8<G, DType::bf16>>>(task);
  take_all<InRegisters<Affine8<G, DType::f32>>>(task);
}

}  // namespace

void decode_exact_affine8(const MatmulTask& task) {
  if (task.weights->group == 32) return affine8_by_dtype<32>(task);
  if (task.weights->group == 64) return affine8_by_dtype<64>(task);
  affine8_by_dtype<128>(task);
}

void decode_exact_q5_0(const MatmulTask& task) { take_all<InRegisters<GgmlFives<false>>>(task); }
void decode_exact_q5_1(const MatmulTask& task) { take_all<InRegisters<GgmlFives<true>>>(task); }
void decode_exact_q8_0(const MatmulTask& task) { take_all<InRegisters<GgmlQ8>>(task); }
void decode_exact_q4_k(const MatmulTask& task) { take_all<InRegisters<GgmlK<false>>>(task); }
void decode_exact_q5_k(const MatmulTask& task) { take_all<InRegisters<GgmlK<true>>>(task); }
void decode_exact_q6_k(const MatmulTask& task) { take_all<InRegisters<GgmlQ6K>>(task); }

}  // namespace ifm::avx512
