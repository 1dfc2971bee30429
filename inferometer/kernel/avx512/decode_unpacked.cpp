#include "inferometer/kernel/avx512/decode.h"
#include "inferometer/kernel/avx512/lane_steps.h"
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
  unrolled<R>([&](auto r) { unrolled<T>([&](auto t) { sums[r][t] = _mm512_setzero_ps(); }); });
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
  unrolled<R>([&](auto r) { unrolled<T>([&](auto t) { result[r][t] = sums[r][t]; }); });
}

PackedRow row_of(const WeightMatrix& w, int64_t row) {
  if (w.scales == nullptr) return {w.data + row * w.row_bytes, nullptr, nullptr};
  const int64_t groups = w.cols / w.group * (w.scale_dtype == DType::f32 ? 4 : 2);
  return {w.data + row * w.row_bytes, w.scales + row * groups, w.biases + row * groups};
}

/// `count` rows from `row` on and, with R = 2, as many `distance` further (decode.cpp says why). Sums wait until there are 16 of
/// them, which are then added up together.
template <typename Layout, int R, int T>
void take_range(const MatmulTask& task, const LaneStep* const (&x)[T], int64_t token, int64_t row, int64_t count,
                int64_t distance) {
  const WeightMatrix& w = *task.weights;
  __m512 waiting[R][T][16] = {};
  for (int64_t begin = 0; begin < count; begin += 16) {
    const int64_t here = count - begin < 16 ? count - begin : 16;
    for (int64_t i = 0; i < here; ++i) {
      PackedRow rows[R];
      for (int r = 0; r < R; ++r) rows[r] = row_of(w, row + begin + i + r * distance);
      __m512 sums[R][T];
      take_rows<Layout, R, T>(rows, x, w.cols, sums);
      unrolled<R>([&](auto r) { unrolled<T>([&](auto t) { waiting[r][t][i] = sums[r][t]; }); });
    }
    for (int r = 0; r < R; ++r) {
      for (int t = 0; t < T; ++t) {
        float* out = task.out + (token + t) * task.out_stride + row + begin + r * distance;
        _mm512_mask_storeu_ps(out, lanes(here), sum_of_each(waiting[r][t]));
      }
    }
  }
}

template <typename Layout, int T>
void take_tokens(const MatmulTask& task, int64_t token) {
  const LaneStep* x[T];
  for (int t = 0; t < T; ++t) x[t] = lane_steps(*task.x, token + t);
  const int64_t half = (task.row_end - task.row_begin) / 2;
  take_range<Layout, 2, T>(task, x, token, task.row_begin, half, half);
  if (task.row_begin + 2 * half < task.row_end) take_range<Layout, 1, T>(task, x, token, task.row_end - 1, 1, 0);
}

template <typename Layout>
void take_all(const MatmulTask& task) {
  int64_t token = task.token_begin;
  for (; token + 4 <= task.token_end; token += 4) take_tokens<Layout, 4>(task, token);
  for (; token < task.token_end; ++token) take_tokens<Layout, 1>(task, token);
}

template <int G>
void affine8_by_dtype(const MatmulTask& task) {
  if (task.weights->scale_dtype == DType::f16) return take_all<Affine8<G, DType::f16>>(task);
  if (task.weights->scale_dtype == DType::bf16) return take_all<Affine8<G, DType::bf16>>(task);
  take_all<Affine8<G, DType::f32>>(task);
}

}  // namespace

void decode_affine8(const MatmulTask& task) {
  if (task.weights->group == 32) return affine8_by_dtype<32>(task);
  if (task.weights->group == 64) return affine8_by_dtype<64>(task);
  affine8_by_dtype<128>(task);
}

void decode_q5_0(const MatmulTask& task) { take_all<GgmlFives<false>>(task); }
void decode_q5_1(const MatmulTask& task) { take_all<GgmlFives<true>>(task); }
void decode_q8_0(const MatmulTask& task) { take_all<GgmlQ8>(task); }
void decode_q4_k(const MatmulTask& task) { take_all<GgmlK<false>>(task); }
void decode_q5_k(const MatmulTask& task) { take_all<GgmlK<true>>(task); }
void decode_q6_k(const MatmulTask& task) { take_all<GgmlQ6K>(task); }

}  // namespace ifm::avx512
