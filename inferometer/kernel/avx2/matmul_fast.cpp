#include "inferometer/kernel/avx2/avx2.h"
#include "inferometer/kernel/avx2/vector.h"

namespace ifm::avx2 {
namespace {

/// What a row needs besides its bytes, decoded once for all tokens.
struct RowBlock {
  const uint8_t* bytes[2];   // the weights: nibbles as they lie in the file, or unpacked bytes
  const float* scales[2];    // affine4: one per group; others: one per 16 values
  const float* biases[2];    // one per 32 values
};

/// Signed bytes times signed bytes: |w| and x with w's sign, since the instruction wants one unsigned side. |w| <= 128 and
/// |x| <= 127, so a pair stays within 16 bits.
enum class Bytes { unsigned4, signed8 };

template <Bytes kind>
__m256i dot_bytes(__m256i w, __m256i x) {
  const __m256i ones = _mm256_set1_epi16(1);
  if constexpr (kind == Bytes::unsigned4) return _mm256_madd_epi16(_mm256_maddubs_epi16(w, x), ones);
  return _mm256_madd_epi16(_mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(x, w)), ones);
}

__m256i load(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }

float bias_sum(const float* biases, const float* sums, int64_t k) {
  __m256 total = _mm256_setzero_ps();
  int64_t i = 0;
  for (; i + 8 <= k / 32; i += 8) total = _mm256_fmadd_ps(_mm256_loadu_ps(biases + i), _mm256_loadu_ps(sums + i), total);
  float sum = sum8(total);
  for (; i < k / 32; ++i) sum += biases[i] * sums[i];
  return sum;
}

template <int R, int T>
void store(const __m256 (&sums)[R][T], const RowBlock& rows, const MatmulTask& task, int64_t row, int64_t token) {
  const int64_t k = task.weights->cols;
  for (int r = 0; r < R; ++r) {
    for (int t = 0; t < T; ++t) {
      const float bias = bias_sum(rows.biases[r], task.x->sum + (token + t) * (k / 32), k);
      task.out[(token + t) * task.out_stride + row + r] = sum8(sums[r][t]) + bias;
    }
  }
}

/// Unpacked bytes in order: 32 weights a step; a lane holds four values, so two lanes share an activation scale.
template <Bytes kind, int R, int T>
void linear_tile(const RowBlock& rows, const MatmulTask& task, int64_t row, int64_t token) {
  const int64_t k = task.weights->cols;
  const __m256i twice = _mm256_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3);
  const int8_t* x = task.x->q + token * k;
  const float* x_scale = task.x->scale + token * (k / 8);
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
  store<R, T>(sums, rows, task, row, token);
}

/// The scales of the 64 values of a step, one per lane of 8 values.
template <int G>
__m256 step_scale(const float* scales, int64_t step) {
  if constexpr (G == 32) return two_halves(scales + 2 * step);
  return _mm256_broadcast_ss(scales + step / (G / 64));
}

/// MLX nibbles in place: 64 weights a step. Low nibbles are the even values, high ones the odd; lane L holds values 8 L … 8 L + 7,
/// which share an activation scale.
template <int G, int R, int T>
void affine4_tile(const RowBlock& rows, const MatmulTask& task, int64_t row, int64_t token) {
  const int64_t k = task.weights->cols;
  const __m256i mask = _mm256_set1_epi8(15);
  const __m256i ones = _mm256_set1_epi16(1);
  const int8_t* x = task.x->q + token * k;
  const float* x_scale = task.x->scale + token * (k / 8);
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
  store<R, T>(sums, rows, task, row, token);
}

template <int R, int T>
void tile(const RowBlock& rows, const MatmulTask& task, int64_t row, int64_t token) {
  const WeightMatrix& w = *task.weights;
  if (w.packing == Packing::affine4) {
    if (w.group == 32) return affine4_tile<32, R, T>(rows, task, row, token);
    if (w.group == 64) return affine4_tile<64, R, T>(rows, task, row, token);
    return affine4_tile<128, R, T>(rows, task, row, token);
  }
  if (w.packing == Packing::q4_0 || w.packing == Packing::q4_1) return linear_tile<Bytes::unsigned4, R, T>(rows, task, row, token);
  return linear_tile<Bytes::signed8, R, T>(rows, task, row, token);
}

/// Decodes rows [row, row + R) into the scratch and multiplies them with every token.
template <int R>
void row_block(const MatmulTask& task, int64_t row) {
  const WeightMatrix& w = *task.weights;
  const int64_t scales_size = w.cols / 16 + 8;
  const int64_t biases_size = w.cols / 32 + 8;
  auto* bytes = static_cast<uint8_t*>(task.scratch);
  auto* scales = reinterpret_cast<float*>(bytes + 2 * (w.cols + 64));
  float* biases = scales + 2 * scales_size;
  RowBlock rows{};
  for (int r = 0; r < R; ++r) {
    float* row_scales = scales + r * scales_size;
    float* row_biases = biases + r * biases_size;
    rows.scales[r] = row_scales;
    rows.biases[r] = row_biases;
    if (w.packing == Packing::affine4) {
      rows.bytes[r] = reinterpret_cast<const uint8_t*>(w.data + (row + r) * w.row_bytes);
      affine_scales(w, w.scales, row + r, row_scales);
      const int repeat = w.group / 32;
      float* group_biases = row_biases + (w.cols / 32 - w.cols / w.group);  // read at the end, spread from the front
      affine_scales(w, w.biases, row + r, group_biases);
      for (int64_t i = 0; i < w.cols / 32; ++i) row_biases[i] = group_biases[i / repeat];
    } else {
      rows.bytes[r] = bytes + r * (w.cols + 64);
      unpack_bytes(w, row + r, bytes + r * (w.cols + 64), row_scales, row_biases);
    }
  }
  int64_t token = task.token_begin;
  for (; token + 4 <= task.token_end; token += 4) tile<R, 4>(rows, task, row, token);
  for (; token < task.token_end; ++token) tile<R, 1>(rows, task, row, token);
}

}  // namespace

void matmul_fast(const MatmulTask& task) {
  if (!uses_rounded_activations(task.weights->packing)) return matmul_exact(task);
  int64_t row = task.row_begin;
  for (; row + 2 <= task.row_end; row += 2) row_block<2>(task, row);
  for (; row < task.row_end; ++row) row_block<1>(task, row);
}

}  // namespace ifm::avx2
