#include "inferometer/kernel/avx512/plain.h"

#include <immintrin.h>

#include "inferometer/kernel/avx512/far_rows.h"
#include "inferometer/kernel/avx512/lanes.h"
#include "inferometer/kernel/avx512/panel.h"
#include "inferometer/kernel/avx512/panel_loads.h"
#include "inferometer/kernel/avx512/unrolled.h"

namespace ifm::avx512 {
namespace {

constexpr int64_t size_of(Packing packing) { return packing == Packing::f32 ? 4 : 2; }

constexpr DType dtype_of(Packing packing) {
  return packing == Packing::f32 ? DType::f32 : packing == Packing::f16 ? DType::f16 : DType::bf16;
}

/// Rows as far_rows.h walks over them.
template <Packing packing>
struct Plain {
  struct Row {
    Row() = default;
    Row(const WeightMatrix& w, int64_t row) : data(w.data + row * w.row_bytes) {}
    const std::byte* data = nullptr;
  };
  using Inputs = const float*;
  static Inputs inputs(const Activations& x, int64_t token) { return x.f32 + token * x.k; }

  template <int R, int T>
  [[gnu::always_inline]] static void take(const Row (&rows)[R], const Inputs (&x)[T], int64_t k, __m512 (&result)[R][T]) {
    __m512 sums[R][T];
    clear<R, T>(sums);
    const auto take_16 = [&](int64_t i, __mmask16 mask) __attribute__((always_inline)) {
      __m512 w[R];
      unrolled<R>([&](auto r) { w[r] = load_floats<dtype_of(packing)>(mask, rows[r].data + i * size_of(packing)); });
      unrolled<T>([&](auto t) __attribute__((always_inline)) {
        const __m512 v = _mm512_maskz_loadu_ps(mask, x[t] + i);
        unrolled<R>([&](auto r) { sums[r][t] = _mm512_fmadd_ps(w[r], v, sums[r][t]); });
      });
    };
    int64_t i = 0;
    for (; i + 16 <= k; i += 16) take_16(i, 0xFFFF);
    if (i < k) take_16(i, first_lanes(k - i));
    copy<R, T>(sums, result);
  }
};

/// Columns that a panel holds at a time, in the L1 cache.
constexpr int64_t kPlainSpan = 192;
constexpr int64_t kPlainPanelBytes = kPlainSpan * kPanelRows * 4;
static_assert(kPlainPanelBytes <= kPanelBytes);

/// Columns [begin, end) of 32 rows, rows across lanes: (columns, 32) f32.
template <Packing packing>
void unpack(const PanelRows& rows, int64_t begin, int64_t end, float* out) {
  constexpr int64_t kTogether = 16 / size_of(packing);
  for (int64_t k = begin; k < end; k += kTogether) {
    const int64_t count = end - k < kTogether ? end - k : kTogether;
    const auto mask = static_cast<__mmask8>((1 << (count * size_of(packing) / 2)) - 1);
    for (int64_t v = 0; v < 2; ++v) {
      __m512i dwords[4];
      load_16x4(rows.bytes + 16 * v, k * size_of(packing), mask, dwords);
      float* to = out + (k - begin) * kPanelRows + 16 * v;
      for (int64_t i = 0; i < 4; ++i) {
        if constexpr (packing == Packing::f32) {
          if (i < count) _mm512_store_ps(to + i * kPanelRows, _mm512_castsi512_ps(dwords[i]));
          continue;
        }
        const bool is_f16 = packing == Packing::f16;
        const __m512 low = is_f16 ? low_f16(dwords[i]) : _mm512_castsi512_ps(_mm512_slli_epi32(dwords[i], 16));
        const __m512i upper = _mm512_and_si512(dwords[i], _mm512_set1_epi32(static_cast<int>(0xFFFF0000U)));
        const __m512 high = is_f16 ? high_f16(dwords[i]) : _mm512_castsi512_ps(upper);
        if (2 * i < count) _mm512_store_ps(to + 2 * i * kPanelRows, low);
        if (2 * i + 1 < count) _mm512_store_ps(to + (2 * i + 1) * kPanelRows, high);
      }
    }
  }
}

/// A panel times T tokens: adds to sums (T, 32).
template <int T>
void multiply_block(const float* panel, int64_t columns, const float* x, int64_t x_stride, float* sums) {
  __m512 c[T][2];
  unrolled<T>([&](auto t) { unrolled<2>([&](auto v) { c[t][v] = _mm512_load_ps(sums + t * kPanelRows + 16 * v); }); });
  for (int64_t k = 0; k < columns; ++k) {
    const __m512 low = _mm512_load_ps(panel + k * kPanelRows);
    const __m512 high = _mm512_load_ps(panel + k * kPanelRows + 16);
    unrolled<T>([&](auto t) __attribute__((always_inline)) {
      const __m512 v = _mm512_set1_ps(x[t * x_stride + k]);
      c[t][0] = _mm512_fmadd_ps(low, v, c[t][0]);
      c[t][1] = _mm512_fmadd_ps(high, v, c[t][1]);
    });
  }
  unrolled<T>([&](auto t) { unrolled<2>([&](auto v) { _mm512_store_ps(sums + t * kPanelRows + 16 * v, c[t][v]); }); });
}

}  // namespace

template <Packing packing>
void decode_plain(const MatmulTask& task) {
  take_all<Plain<packing>>(task);
}

template <Packing packing>
void prefill_plain(const MatmulTask& task) {
  const int64_t k = task.weights->cols;
  auto* panel = static_cast<float*>(task.scratch);
  float* all_sums = panel + kPlainPanelBytes / 4;
  for (int64_t row = task.row_begin; row < task.row_end; row += kPanelRows) {
    const PanelRows rows(*task.weights, row, task.row_end);
    for (int64_t i = 0; i < (task.token_end - task.token_begin) * kPanelRows; ++i) all_sums[i] = 0;
    for (int64_t begin = 0; begin < k; begin += kPlainSpan) {
      const int64_t end = k - begin < kPlainSpan ? k : begin + kPlainSpan;
      unpack<packing>(rows, begin, end, panel);
      int64_t token = task.token_begin;
      const auto multiply = [&](auto tokens) {
        multiply_block<tokens>(panel, end - begin, task.x->f32 + token * k + begin, k,
                               all_sums + (token - task.token_begin) * kPanelRows);
        token += tokens;
      };
      while (token + 8 <= task.token_end) multiply(Index<8>{});
      while (token < task.token_end) multiply(Index<1>{});
    }
    const int64_t count = task.row_end - row < kPanelRows ? task.row_end - row : kPanelRows;
    for (int64_t token = task.token_begin; token < task.token_end; ++token) {
      __builtin_memcpy(task.out + token * task.out_stride + row, all_sums + (token - task.token_begin) * kPanelRows,
                       static_cast<std::size_t>(count) * sizeof(float));
    }
  }
}

template void decode_plain<Packing::f32>(const MatmulTask& task);
template void decode_plain<Packing::f16>(const MatmulTask& task);
template void decode_plain<Packing::bf16>(const MatmulTask& task);
template void prefill_plain<Packing::f32>(const MatmulTask& task);
template void prefill_plain<Packing::f16>(const MatmulTask& task);
template void prefill_plain<Packing::bf16>(const MatmulTask& task);

}  // namespace ifm::avx512
