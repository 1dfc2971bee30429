#include <immintrin.h>

#include "inferometer/kernel/avx512/prefill.h"
#include "inferometer/kernel/avx512/shifts.h"
#include "inferometer/kernel/eights.h"
#include "inferometer/kernel/isa_sets.h"

// MLX 4-bit weights in place. One 64-byte load holds 128 weights, that is 16 lanes of 8 consecutive values: the low nibbles of a
// lane are its even values, the high ones its odd values. Two chained dots give a lane's sum over 8 values, which share one
// activation scale; lanes of one group share the weight scale.
namespace ifm::avx512 {
namespace {

/// Values of a step; a row's last step may hold 32, 64 or 96, and is masked.
constexpr int64_t kStep = 128;

__mmask64 byte_mask(int64_t bytes) { return bytes >= 64 ? ~__mmask64{0} : (__mmask64{1} << bytes) - 1; }
__mmask16 lane_mask(int64_t lanes) { return static_cast<__mmask16>(lanes >= 16 ? 0xFFFF : (1 << lanes) - 1); }

/// Sum of 16 lanes, always in the same order.
float sum16(__m512 v) {
  const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(v), _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(v), 1)));
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
}

// ---- rounding ----

/// The largest of each 8 values of two vectors, spread over the 8.
__m512 top_of_eights(__m512 magnitude) {
  __m512 top = _mm512_max_ps(magnitude, _mm512_shuffle_ps(magnitude, magnitude, 0x4E));
  top = _mm512_max_ps(top, _mm512_shuffle_ps(top, top, 0xB1));
  return _mm512_max_ps(top, _mm512_shuffle_f32x4(top, top, 0xB1));
}

/// 16 values (two lanes of 8) as bytes; writes their two scales.
__m128i round16(const float* x, float* scales) {
  const __m512 v = _mm512_loadu_ps(x);
  const __m512 magnitude = _mm512_abs_ps(v);
  const __m512 infinity = _mm512_set1_ps(__builtin_inff());
  // NaN compares as "not less than" too; the larger of a lane's flags spreads to its 8 values.
  const __mmask16 bad = _mm512_cmp_ps_mask(magnitude, infinity, _CMP_NLT_UQ);
  const auto bad_lane = static_cast<__mmask16>(((bad & 0xFF) != 0 ? 0xFF : 0) | ((bad & 0xFF00) != 0 ? 0xFF00 : 0));
  const __m512 top = top_of_eights(magnitude);
  const __mmask16 usable = static_cast<__mmask16>(_mm512_cmp_ps_mask(top, _mm512_setzero_ps(), _CMP_GT_OQ) & ~bad_lane);
  const __m512 limit = _mm512_set1_ps(127.0F);
  const __m512 scale = _mm512_mask_mov_ps(_mm512_div_ps(top, limit), bad_lane, _mm512_set1_ps(__builtin_nanf("")));
  const __m512 inverse = _mm512_maskz_div_ps(usable, limit, top);
  const __m512 scaled = _mm512_maskz_mul_ps(usable, v, inverse);
  const __m512 bounded = _mm512_min_ps(limit, _mm512_max_ps(_mm512_sub_ps(_mm512_setzero_ps(), limit), scaled));
  scales[0] = _mm512_cvtss_f32(scale);
  scales[1] = _mm_cvtss_f32(_mm512_extractf32x4_ps(scale, 2));
  return _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(bounded));
}

/// Even bytes of each 8 first, then odd ones: as in split_order, for two lanes of 8.
__m128i split16(__m128i bytes) {
  return _mm_shuffle_epi8(bytes, _mm_setr_epi8(0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15));
}

/// A step of `size` values: size / 2 even bytes, then size / 2 odd ones.
void round_step(const float* x, int64_t size, int8_t* q, float* scales, float* sums) {
  const __m128i ones = _mm_set1_epi8(1);
  float lane_sums[16];
  for (int64_t i = 0; i < size; i += 16) {
    const __m128i bytes = round16(x + i, scales + i / 8);
    const __m128i split = split16(bytes);
    _mm_storel_epi64(reinterpret_cast<__m128i*>(q + i / 2), split);
    _mm_storel_epi64(reinterpret_cast<__m128i*>(q + size / 2 + i / 2), _mm_srli_si128(split, 8));
    const __m128i fours = _mm_dpbusd_epi32(_mm_setzero_si128(), ones, bytes);
    const __m128i eights = _mm_hadd_epi32(fours, fours);
    lane_sums[i / 8] = static_cast<float>(_mm_cvtsi128_si32(eights)) * scales[i / 8];
    lane_sums[i / 8 + 1] = static_cast<float>(_mm_extract_epi32(eights, 1)) * scales[i / 8 + 1];
  }
  for (int64_t g = 0; g < size / 32; ++g) {
    sums[g] = (lane_sums[4 * g] + lane_sums[4 * g + 1]) + (lane_sums[4 * g + 2] + lane_sums[4 * g + 3]);
  }
}

void round_split(const float* x, int64_t n, int64_t k, int64_t begin, int64_t end, std::byte* out) {
  const Eights target = eights_in(out, n, k);
  for (int64_t t = begin; t < end; ++t) {
    for (int64_t i = 0; i < k; i += kStep) {
      const int64_t size = k - i < kStep ? k - i : kStep;
      round_step(x + t * k + i, size, target.q + t * k + i, target.scale + (t * k + i) / 8, target.sum + (t * k + i) / 32);
    }
  }
}

// ---- rows ----

/// Up to two rows with their decoded scales and biases, one per group.
struct Rows {
  Eights x;
  const uint8_t* bytes[2];
  const float* scales[2];
  const float* biases[2];
  int64_t row[2];
};

void decode_halves(const std::byte* from, int64_t count, DType dtype, float* out) {
  for (int64_t i = 0; i < count; i += 16) {
    const __mmask16 mask = lane_mask(count - i);
    const __m256i bits = _mm256_maskz_loadu_epi16(mask, from + 2 * i);
    const __m512 wide =
        dtype == DType::f16 ? _mm512_cvtph_ps(bits) : _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16));
    _mm512_mask_storeu_ps(out + i, mask, wide);
  }
}

void decode_groups(const WeightMatrix& w, const std::byte* source, int64_t row, float* out) {
  const int64_t groups = w.cols / w.group;
  if (w.scale_dtype != DType::f32) return decode_halves(source + 2 * row * groups, groups, w.scale_dtype, out);
  for (int64_t i = 0; i < groups; i += 16) {
    const __mmask16 mask = lane_mask(groups - i);
    _mm512_mask_storeu_ps(out + i, mask, _mm512_maskz_loadu_ps(mask, source + 4 * (row * groups + i)));
  }
}

/// Lane to group for the lanes of a step.
template <int G>
__m512i group_of_lane() {
  if constexpr (G == 32) return _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
  if constexpr (G == 64) return _mm512_setr_epi32(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1);
  return _mm512_setzero_si512();
}

/// The weight scales of a step's lanes.
template <int G>
__m512 step_scales(const float* scales, int64_t step) {
  if constexpr (G == 128) return _mm512_set1_ps(scales[step]);
  // Four floats from the step's first group: the buffer is padded, lanes beyond the row meet zeros of the activations.
  return _mm512_permutexvar_ps(group_of_lane<G>(), _mm512_broadcast_f32x4(_mm_loadu_ps(scales + step * (kStep / G))));
}

// ---- the product ----

template <int R, int T>
struct Sums {
  __m512 lane[R][T];
};

/// One step of R rows and T tokens; `masked` for the last, shorter one.
template <int G, int R, int T, bool masked>
inline void take_step(const Rows& rows, const MatmulTask& task, int64_t token, int64_t step, int64_t size, Sums<R, T>& sums) {
  const int64_t k = task.weights->cols;
  const __mmask64 bytes = masked ? byte_mask(size / 2) : ~__mmask64{0};
  const __mmask16 lanes = masked ? lane_mask(size / 8) : __mmask16{0xFFFF};
  const __m512i low = _mm512_set1_epi8(15);
  __m512i even[R];
  __m512i odd[R];
  __m512 scale[R];
  for (int r = 0; r < R; ++r) {
    const uint8_t* from = rows.bytes[r] + step * (kStep / 2);
    const __m512i pairs = masked ? _mm512_maskz_loadu_epi8(bytes, from) : _mm512_loadu_si512(from);
    even[r] = _mm512_and_si512(pairs, low);
    odd[r] = _mm512_and_si512(_mm512_srli_epi16(pairs, 4), low);
    scale[r] = step_scales<G>(rows.scales[r], step);
  }
  for (int t = 0; t < T; ++t) {
    const int8_t* x = rows.x.q + (token + t) * k + step * kStep;
    const float* x_scale = rows.x.scale + ((token + t) * k + step * kStep) / 8;
    const __m512i x_even = masked ? _mm512_maskz_loadu_epi8(bytes, x) : _mm512_loadu_si512(x);
    const __m512i x_odd = masked ? _mm512_maskz_loadu_epi8(bytes, x + size / 2) : _mm512_loadu_si512(x + kStep / 2);
    const __m512 x_scales = masked ? _mm512_maskz_loadu_ps(lanes, x_scale) : _mm512_loadu_ps(x_scale);
    for (int r = 0; r < R; ++r) {
      const __m512i dots = _mm512_dpbusd_epi32(_mm512_dpbusd_epi32(_mm512_setzero_si512(), even[r], x_even), odd[r], x_odd);
      const __m512 factor = masked ? _mm512_maskz_mul_ps(lanes, scale[r], x_scales) : _mm512_mul_ps(scale[r], x_scales);
      sums.lane[r][t] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dots), factor, sums.lane[r][t]);
    }
  }
}

/// Adds bias times sum of inputs; inputs come summed per 32 values, 16 sums at a time.
template <int G, int R, int T>
inline void add_biases(const Rows& rows, const MatmulTask& task, int64_t token, Sums<R, T>& sums) {
  const __m512i spread = G == 32   ? _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
                         : G == 64 ? _mm512_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7)
                                   : _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
  const int64_t count = task.weights->cols / 32;
  for (int64_t i = 0; i < count; i += 16) {
    const __mmask16 mask = lane_mask(count - i);
    __m512 bias[R];
    for (int r = 0; r < R; ++r)
      bias[r] = _mm512_maskz_permutexvar_ps(mask, spread, _mm512_loadu_ps(rows.biases[r] + i / (G / 32)));
    for (int t = 0; t < T; ++t) {
      const __m512 x = _mm512_maskz_loadu_ps(mask, rows.x.sum + (token + t) * count + i);
      for (int r = 0; r < R; ++r) sums.lane[r][t] = _mm512_fmadd_ps(bias[r], x, sums.lane[r][t]);
    }
  }
}

template <int G, int R, int T>
void tile(const Rows& rows, const MatmulTask& task, int64_t token) {
  const int64_t k = task.weights->cols;
  Sums<R, T> sums;
  for (int r = 0; r < R; ++r) {
    for (int t = 0; t < T; ++t) sums.lane[r][t] = _mm512_setzero_ps();
  }
  const int64_t steps = k / kStep;
  for (int64_t step = 0; step < steps; ++step) take_step<G, R, T, false>(rows, task, token, step, kStep, sums);
  if (steps * kStep < k) take_step<G, R, T, true>(rows, task, token, steps, k - steps * kStep, sums);
  add_biases<G, R, T>(rows, task, token, sums);
  for (int r = 0; r < R; ++r) {
    for (int t = 0; t < T; ++t) {
      task.out[(token + t) * task.out_stride + rows.row[r]] = sum16(sums.lane[r][t]);
    }
  }
}

/// Scales and biases of some rows, decoded into the scratch.
class Decoded {
 public:
  /// Rows row, row + distance, …: `count` of them, at most kMatmulRows.
  Decoded(const MatmulTask& task, int64_t row, int64_t count, int64_t distance = 1)
      : w_(*task.weights),
        x_(eights_in(task.x->rounded, task.x->n, task.x->k)),
        stride_(w_.cols / w_.group + kPadding),
        first_(row),
        distance_(distance) {
    scales_ = static_cast<float*>(task.scratch);
    biases_ = scales_ + count * stride_;
    for (int64_t r = 0; r < count; ++r) {
      decode_groups(w_, w_.scales, row + r * distance, scales_ + r * stride_);
      decode_groups(w_, w_.biases, row + r * distance, biases_ + r * stride_);
    }
  }

  [[nodiscard]] Rows rows(int64_t first, int64_t second) const {
    Rows rows{.x = x_, .bytes = {}, .scales = {}, .biases = {}, .row = {}};
    for (int r = 0; r < 2; ++r) {
      rows.row[r] = r == 0 ? first : second;
      rows.bytes[r] = reinterpret_cast<const uint8_t*>(w_.data + rows.row[r] * w_.row_bytes);
      rows.scales[r] = scales_ + (rows.row[r] - first_) / distance_ * stride_;
      rows.biases[r] = biases_ + (rows.row[r] - first_) / distance_ * stride_;
    }
    return rows;
  }

 private:
  static constexpr int64_t kPadding = 32;  // step_scales and add_biases read beyond the last group
  const WeightMatrix& w_;
  Eights x_;
  int64_t stride_;
  int64_t first_;
  int64_t distance_;
  float* scales_;
  float* biases_;
};

/// One token: two rows at a time share every load of the activations, row r and row r + half, two streams far from each other.
/// Adjacent rows disturb Zen 4's prefetchers: 0.34 to 0.75 of the read bandwidth where far ones reach 0.9.
template <int G>
void one_token(const MatmulTask& task, int64_t token) {
  const int64_t half = (task.row_end - task.row_begin) / 2;
  for (int64_t row = task.row_begin; row < task.row_begin + half; ++row) {
    tile<G, 2, 1>(Decoded(task, row, 2, half).rows(row, row + half), task, token);
  }
  if (task.row_begin + 2 * half < task.row_end) {
    const int64_t last = task.row_end - 1;
    tile<G, 1, 1>(Decoded(task, last, 1).rows(last, last), task, token);
  }
}

/// Many tokens: some rows are decoded once, then every tile of tokens meets all of them while its activations lie in the L1
/// cache.
template <int G, int T>
void rows_times_tile(const MatmulTask& task, const Decoded& decoded, int64_t row, int64_t count, int64_t token) {
  int64_t r = row;
  for (; r + 2 <= row + count; r += 2) tile<G, 2, T>(decoded.rows(r, r + 1), task, token);
  if (r < row + count) tile<G, 1, T>(decoded.rows(r, r), task, token);
}

template <int G>
void many_tokens(const MatmulTask& task) {
  for (int64_t row = task.row_begin; row < task.row_end; row += kMatmulRows) {
    const int64_t count = task.row_end - row < kMatmulRows ? task.row_end - row : kMatmulRows;
    const Decoded decoded(task, row, count);
    int64_t token = task.token_begin;
    for (; token + 8 <= task.token_end; token += 8) rows_times_tile<G, 8>(task, decoded, row, count, token);
    for (; token + 4 <= task.token_end; token += 4) rows_times_tile<G, 4>(task, decoded, row, count, token);
    for (; token < task.token_end; ++token) rows_times_tile<G, 1>(task, decoded, row, count, token);
  }
}

template <int G>
void all_rows(const MatmulTask& task) {
  if (task.token_end - task.token_begin == 1) return one_token<G>(task, task.token_begin);
  many_tokens<G>(task);
}

void matmul(const MatmulTask& task) {
  if (task.weights->group == 32) return all_rows<32>(task);
  if (task.weights->group == 64) return all_rows<64>(task);
  all_rows<128>(task);
}

constexpr Rounding kSplit{"eights", eights_bytes, round_split};

/// Only what this set does better than the next: affine4 (index 3).
constexpr Kernels make() {
  Kernels kernels{};
  kernels.isa = "avx512";
  kernels.fast_decode[static_cast<std::size_t>(Packing::affine4)] = {&kSplit, matmul};
  kernels.fast_prefill[static_cast<std::size_t>(Packing::affine4)] = {&kShifts14Zero8Split, prefill_affine4, kAllTokens};
  return kernels;
}

constexpr Kernels kAvx512 = make();

}  // namespace
}  // namespace ifm::avx512

namespace ifm {

const Kernels* avx512_kernels() { return &avx512::kAvx512; }

}  // namespace ifm
