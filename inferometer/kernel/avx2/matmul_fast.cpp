#include "inferometer/kernel/avx2/avx2.h"
#include "inferometer/kernel/avx2/vector.h"
#include "inferometer/kernel/eights.h"

namespace ifm::avx2 {
namespace {

/// What a row needs besides its bytes, decoded once for all tokens.
struct RowBlock {
  Eights x;
  const uint8_t* bytes[2];  // the weights: nibbles as they lie in the file, or unpacked bytes
  const float* scales[2];   // affine4: one per group; others: one per 16 values
  const float* biases[2];   // affine4: one per group; others: one per 32 values
};

/// An integer as a type, so that a loop's width is known when it is compiled.
template <int N>
struct Constant {
  static constexpr int kValue = N;
};

/// Signed bytes times signed bytes: |w| and x with w's sign, since the instruction wants one unsigned side. |w| <= 128 and
/// |x| <= 127, so a pair stays within 16 bits. Unsigned bytes are at most 31.
enum class Bytes { unsigned5, signed8 };

template <Bytes kind>
__m256i dot_bytes(__m256i w, __m256i x) {
  const __m256i ones = _mm256_set1_epi16(1);
  if constexpr (kind == Bytes::unsigned5) return _mm256_madd_epi16(_mm256_maddubs_epi16(w, x), ones);
  return _mm256_madd_epi16(_mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(x, w)), ones);
}

__m256i load(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }

/// Sum of bias times sum of inputs; a bias stands for `Repeat` sums of 32 values.
template <int Repeat>
float bias_sum(const float* biases, const float* sums, int64_t count) {
  const __m256i spread = Repeat == 1   ? _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)
                         : Repeat == 2 ? _mm256_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3)
                                       : _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1);
  __m256 total = _mm256_setzero_ps();
  int64_t i = 0;
  for (; i + 8 <= count; i += 8) {
    const __m256 each = _mm256_permutevar8x32_ps(_mm256_loadu_ps(biases + i / Repeat), spread);
    total = _mm256_fmadd_ps(each, _mm256_loadu_ps(sums + i), total);
  }
  float sum = sum8(total);
  for (; i < count; ++i) sum += biases[i / Repeat] * sums[i];
  return sum;
}

template <int Repeat, int R, int T>
void store(const __m256 (&sums)[R][T], const RowBlock& rows, const MatmulTask& task, int64_t row, int64_t token) {
  const int64_t k = task.weights->cols;
  for (int r = 0; r < R; ++r) {
    for (int t = 0; t < T; ++t) {
      const float bias = bias_sum<Repeat>(rows.biases[r], rows.x.sum + (token + t) * (k / 32), k / 32);
      task.out[(token + t) * task.out_stride + row + r] = sum8(sums[r][t]) + bias;
    }
  }
}

/// Unpacked bytes in order: 32 weights a step; a lane holds four values, so two lanes share an activation scale.
template <Bytes kind, int R, int T>
void linear_tile(const RowBlock& rows, const MatmulTask& task, int64_t row, int64_t token) {
  const int64_t k = task.weights->cols;
  const __m256i twice = _mm256_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3);
  const int8_t* x = rows.x.q + token * k;
  const float* x_scale = rows.x.scale + token * (k / 8);
  __m256 sums[R][T];
  for (int r = 0; r < R; ++r) {
    for (int t = 0; t < T; ++t) sums[r][t] = _mm256_setzero_ps();
  }
  for (int64_t i = 0; i < k; i += 32) {
    __m256i w[R];
    __m256 scale[R];
    for (int r = 0; r < R; ++r) {
      w[r] = load(rows.bytes[r] + i);
      scale[r] = two_halves(rows.scales[r] + i / 16);
    }
    for (int t = 0; t < T; ++t) {
      const __m256i v = load(x + t * k + i);
      const __m128 four = _mm_loadu_ps(x_scale + t * (k / 8) + i / 8);
      const __m256 v_scale = _mm256_permutevar8x32_ps(_mm256_castps128_ps256(four), twice);
      for (int r = 0; r < R; ++r) {
        const __m256 dots = _mm256_cvtepi32_ps(dot_bytes<kind>(w[r], v));
        sums[r][t] = _mm256_fmadd_ps(dots, _mm256_mul_ps(scale[r], v_scale), sums[r][t]);
      }
    }
  }
  store<1, R, T>(sums, rows, task, row, token);
}

/// The scales of the 64 values of a step, one per lane of 8 values.
template <int G>
__m256 step_scale(const float* scales, int64_t step) {
  if constexpr (G == 32) return two_halves(scales + 2 * step);
  return _mm256_broadcast_ss(scales + step / (G / 64));
}

/// MLX nibbles in place: 64 weights a step. Low nibbles are the even values, high ones the odd; lane L holds values 8 L … 8 L +
/// 7, which share an activation scale.
template <int G, int R, int T>
void affine4_tile(const RowBlock& rows, const MatmulTask& task, int64_t row, int64_t token) {
  const int64_t k = task.weights->cols;
  const __m256i mask = _mm256_set1_epi8(15);
  const __m256i ones = _mm256_set1_epi16(1);
  const int8_t* x = rows.x.q + token * k;
  const float* x_scale = rows.x.scale + token * (k / 8);
  __m256 sums[R][T];
  for (int r = 0; r < R; ++r) {
    for (int t = 0; t < T; ++t) sums[r][t] = _mm256_setzero_ps();
  }
  for (int64_t step = 0; step < k / 64; ++step) {
    __m256i even[R];
    __m256i odd[R];
    __m256 scale[R];
    for (int r = 0; r < R; ++r) {
      const __m256i pairs = load(rows.bytes[r] + 32 * step);
      even[r] = _mm256_and_si256(pairs, mask);
      odd[r] = _mm256_and_si256(_mm256_srli_epi16(pairs, 4), mask);
      scale[r] = step_scale<G>(rows.scales[r], step);
    }
    for (int t = 0; t < T; ++t) {
      const __m256i v_even = load(x + t * k + 64 * step);
      const __m256i v_odd = load(x + t * k + 64 * step + 32);
      const __m256 v_scale = _mm256_loadu_ps(x_scale + t * (k / 8) + 8 * step);
      for (int r = 0; r < R; ++r) {
        // Four products of at most 15 * 127 in 16 bits: 7,620.
        const __m256i pair = _mm256_add_epi16(_mm256_maddubs_epi16(even[r], v_even), _mm256_maddubs_epi16(odd[r], v_odd));
        const __m256 dots = _mm256_cvtepi32_ps(_mm256_madd_epi16(pair, ones));
        sums[r][t] = _mm256_fmadd_ps(dots, _mm256_mul_ps(scale[r], v_scale), sums[r][t]);
      }
    }
  }
  if (k % 64 != 0) {  // 32 values left, a group of their own: 16 even, 16 odd
    const int64_t at = k / 64 * 64;
    for (int r = 0; r < R; ++r) {
      const __m128i pairs = _mm_loadu_si128(reinterpret_cast<const __m128i*>(rows.bytes[r] + at / 2));
      const __m128i low = _mm_and_si128(pairs, _mm256_castsi256_si128(mask));
      const __m128i high = _mm_and_si128(_mm_srli_epi16(pairs, 4), _mm256_castsi256_si128(mask));
      const __m128 scale = _mm_broadcast_ss(rows.scales[r] + at / 32);
      for (int t = 0; t < T; ++t) {
        const __m128i v_even = _mm_loadu_si128(reinterpret_cast<const __m128i*>(x + t * k + at));
        const __m128i v_odd = _mm_loadu_si128(reinterpret_cast<const __m128i*>(x + t * k + at + 16));
        const __m128i pair = _mm_add_epi16(_mm_maddubs_epi16(low, v_even), _mm_maddubs_epi16(high, v_odd));
        const __m128 dots = _mm_cvtepi32_ps(_mm_madd_epi16(pair, _mm256_castsi256_si128(ones)));
        const __m128 product = _mm_mul_ps(dots, _mm_mul_ps(scale, _mm_loadu_ps(x_scale + t * (k / 8) + at / 8)));
        sums[r][t] = _mm256_add_ps(sums[r][t], _mm256_set_m128(_mm_setzero_ps(), product));
      }
    }
  }
  store<G / 32, R, T>(sums, rows, task, row, token);
}

/// Where a row block's decoded parts stand in the scratch.
struct ScratchLayout {
  uint8_t* bytes;
  int64_t bytes_stride;
  float* scales;
  int64_t scales_stride;
  float* biases;
  int64_t biases_stride;
};

ScratchLayout scratch_of(const MatmulTask& task) {
  const int64_t k = task.weights->cols;
  ScratchLayout s{static_cast<uint8_t*>(task.scratch), k + 64, nullptr, k / 16 + 8, nullptr, k / 32 + 8};
  s.scales = reinterpret_cast<float*>(s.bytes + 2 * s.bytes_stride);
  s.biases = s.scales + 2 * s.scales_stride;
  return s;
}

/// Calls tile(tokens as a constant, first token) over the task's tokens, four at a time and then one by one.
template <typename Tile>
void for_tokens(const MatmulTask& task, const Tile& tile) {
  int64_t token = task.token_begin;
  for (; token + 4 <= task.token_end; token += 4) tile(Constant<4>{}, token);
  for (; token < task.token_end; ++token) tile(Constant<1>{}, token);
}

template <int G, int R>
void affine4_rows(const MatmulTask& task, int64_t row) {
  const WeightMatrix& w = *task.weights;
  const ScratchLayout scratch = scratch_of(task);
  RowBlock rows{.x = eights_in(task.x->rounded, task.x->n, task.x->k), .bytes = {}, .scales = {}, .biases = {}};
  for (int r = 0; r < R; ++r) {
    rows.bytes[r] = reinterpret_cast<const uint8_t*>(w.data + (row + r) * w.row_bytes);
    rows.scales[r] = scratch.scales + r * scratch.scales_stride;
    rows.biases[r] = scratch.biases + r * scratch.biases_stride;
    affine_scales(w, w.scales, row + r, scratch.scales + r * scratch.scales_stride);
    affine_scales(w, w.biases, row + r, scratch.biases + r * scratch.biases_stride);
  }
  for_tokens(task, [&](auto tokens, int64_t token) { affine4_tile<G, R, decltype(tokens)::kValue>(rows, task, row, token); });
}

template <Bytes kind, int R>
void linear_rows(const MatmulTask& task, int64_t row) {
  const ScratchLayout scratch = scratch_of(task);
  RowBlock rows{.x = eights_in(task.x->rounded, task.x->n, task.x->k), .bytes = {}, .scales = {}, .biases = {}};
  for (int r = 0; r < R; ++r) {
    rows.bytes[r] = scratch.bytes + r * scratch.bytes_stride;
    rows.scales[r] = scratch.scales + r * scratch.scales_stride;
    rows.biases[r] = scratch.biases + r * scratch.biases_stride;
    unpack_bytes(*task.weights, row + r, scratch.bytes + r * scratch.bytes_stride, scratch.scales + r * scratch.scales_stride,
                 scratch.biases + r * scratch.biases_stride);
  }
  for_tokens(task, [&](auto tokens, int64_t token) { linear_tile<kind, R, decltype(tokens)::kValue>(rows, task, row, token); });
}

template <int G>
void affine4_task(const MatmulTask& task) {
  int64_t row = task.row_begin;
  for (; row + 2 <= task.row_end; row += 2) affine4_rows<G, 2>(task, row);
  for (; row < task.row_end; ++row) affine4_rows<G, 1>(task, row);
}

template <Bytes kind>
void linear_task(const MatmulTask& task) {
  int64_t row = task.row_begin;
  for (; row + 2 <= task.row_end; row += 2) linear_rows<kind, 2>(task, row);
  for (; row < task.row_end; ++row) linear_rows<kind, 1>(task, row);
}

}  // namespace

void matmul_affine4(const MatmulTask& task) {
  if (task.weights->group == 32) return affine4_task<32>(task);
  if (task.weights->group == 64) return affine4_task<64>(task);
  affine4_task<128>(task);
}

void matmul_unsigned(const MatmulTask& task) { linear_task<Bytes::unsigned5>(task); }
void matmul_signed(const MatmulTask& task) { linear_task<Bytes::signed8>(task); }

}  // namespace ifm::avx2
