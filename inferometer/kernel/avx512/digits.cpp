#include "inferometer/kernel/avx512/digits.h"

#include <immintrin.h>

namespace ifm::avx512 {
namespace {

constexpr int64_t kLineValues = 128;
/// The largest input as an integer. An integer takes up a sixteenth of the one before, which took up a sixteenth of another: at
/// most 16/15 of this, whose digits are still int8, 256 * 127 + 127 = 32,639.
constexpr float kTop = 30590.0F;
/// Values below count as zeros: the reciprocal of their scale would overflow.
constexpr float kSmallest = 0x1p-100F;

int64_t lines_of(int64_t k) { return (k + kLineValues - 1) / kLineValues; }

/// Bytes of one token: lines, scales, sums and room to read beyond, in whole cache lines.
int64_t token_bytes(int64_t k) { return lines_of(k) * 256 + (lines_of(k) * 32 + 64 + 63) / 64 * 64; }

/// Where a line goes.
struct Target {
  int8_t* digits;     // (256)
  float* scales;      // (2)
  float* sums_of_64;  // (2)
  float* sums_of_32;  // (4)
};

/// Row r of eight values and row r + 8, for a line of 16 rows: those of a lane, MLX's in the order of the nibbles, GGML's the
/// four low nibbles first.
template <bool halves>
__m512 load_rows(const float* x, int r) {
  if constexpr (!halves) {
    return _mm512_insertf32x8(_mm512_castps256_ps512(_mm256_loadu_ps(x + 8 * r)), _mm256_loadu_ps(x + 64 + 8 * r), 1);
  }
  const float* at = x + 32 * (r / 4) + 4 * (r % 4);
  __m512 row = _mm512_castps128_ps512(_mm_loadu_ps(at));
  row = _mm512_insertf32x4(row, _mm_loadu_ps(at + 16), 1);
  row = _mm512_insertf32x4(row, _mm_loadu_ps(at + 64), 2);
  return _mm512_insertf32x4(row, _mm_loadu_ps(at + 80), 3);
}

/// out[p] lane L = the input of nibble p of lane L.
template <bool halves>
void load_line(const float* x, __m512* out) {
  __m512 pair[8];
  for (int i = 0; i < 4; ++i) {
    const __m512 even = load_rows<halves>(x, 2 * i);
    const __m512 odd = load_rows<halves>(x, 2 * i + 1);
    pair[2 * i] = _mm512_unpacklo_ps(even, odd);
    pair[2 * i + 1] = _mm512_unpackhi_ps(even, odd);
  }
  // four[q][j]: of rows 4 q … 4 q + 3, columns j (first 128 bits of a half) and j + 4 (second).
  __m512 four[2][4];
  for (int q = 0; q < 2; ++q) {
    const __m512d a = _mm512_castps_pd(pair[4 * q]);
    const __m512d b = _mm512_castps_pd(pair[4 * q + 1]);
    const __m512d c = _mm512_castps_pd(pair[4 * q + 2]);
    const __m512d d = _mm512_castps_pd(pair[4 * q + 3]);
    four[q][0] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, c));
    four[q][1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, c));
    four[q][2] = _mm512_castpd_ps(_mm512_unpacklo_pd(b, d));
    four[q][3] = _mm512_castpd_ps(_mm512_unpackhi_pd(b, d));
  }
  const __m512i lower = _mm512_setr_epi32(0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27);
  const __m512i upper = _mm512_add_epi32(lower, _mm512_set1_epi32(4));
  for (int j = 0; j < 4; ++j) {
    // Column j + 4 of a GGML row is the high nibble of byte j.
    out[halves ? 2 * j : j] = _mm512_permutex2var_ps(four[0][j], lower, four[1][j]);
    out[halves ? 2 * j + 1 : j + 4] = _mm512_permutex2var_ps(four[0][j], upper, four[1][j]);
  }
}

/// The largest lane of each half, in all lanes of the half.
__m512 top_of_halves(__m512 v) {
  v = _mm512_max_ps(v, _mm512_shuffle_f32x4(v, v, 0xB1));
  v = _mm512_max_ps(v, _mm512_shuffle_ps(v, v, 0x4E));
  return _mm512_max_ps(v, _mm512_shuffle_ps(v, v, 0xB1));
}

/// Four vectors of integers in [-128, 127] as the bytes of one.
__m512i bytes_of(__m512i b0, __m512i b1, __m512i b2, __m512i b3) {
  const __m512i byte = _mm512_set1_epi32(255);
  const __m512i low = _mm512_or_si512(_mm512_and_si512(b0, byte), _mm512_slli_epi32(_mm512_and_si512(b1, byte), 8));
  const __m512i high = _mm512_or_si512(_mm512_slli_epi32(_mm512_and_si512(b2, byte), 16), _mm512_slli_epi32(b3, 24));
  return _mm512_or_si512(low, high);
}

/// The high digits of four vectors; `v` is left with the low ones (and bits above them).
__m512i take_high(const __m512i* v) {
  const __m512i half = _mm512_set1_epi32(128);
  const auto high = [&](int b) { return _mm512_srai_epi32(_mm512_add_epi32(v[b], half), 8); };
  return bytes_of(high(0), high(1), high(2), high(3));
}

/// Scales of a line's two halves: x times `inverse` are the integers; NaN where a value is not finite.
struct Scales {
  __m512 inverse;
  __m512 scale;
};
Scales scales_of(const __m512* x) {
  __m512 top = _mm512_setzero_ps();
  __mmask16 bad = 0;
  for (int p = 0; p < 8; ++p) {
    const __m512 magnitude = _mm512_abs_ps(x[p]);
    bad = static_cast<__mmask16>(bad | _mm512_cmp_ps_mask(magnitude, _mm512_set1_ps(__builtin_inff()), _CMP_NLT_UQ));
    top = _mm512_max_ps(top, magnitude);
  }
  bad = static_cast<__mmask16>(((bad & 0xFF) != 0 ? 0xFF : 0) | ((bad & 0xFF00) != 0 ? 0xFF00 : 0));
  top = top_of_halves(top);
  const auto used = static_cast<__mmask16>(_mm512_cmp_ps_mask(top, _mm512_set1_ps(kSmallest), _CMP_GE_OQ) & ~bad);
  const __m512 scale = _mm512_maskz_mul_ps(used, top, _mm512_set1_ps(1.0F / kTop));
  return {_mm512_maskz_div_ps(used, _mm512_set1_ps(kTop), top),
          _mm512_mask_mov_ps(scale, bad, _mm512_set1_ps(__builtin_nanf("")))};
}

/// Sums per 32 and 64 of the inputs that the integers stand for: 16 times those are 17 (a + e), less e0.
void write_sums(const __m512i* a, const __m512i* e, const Target& to) {
  __m512i all = _mm512_setzero_si512();
  for (int b = 0; b < 4; ++b) all = _mm512_add_epi32(all, _mm512_add_epi32(a[b], e[b]));
  all = _mm512_sub_epi32(_mm512_add_epi32(_mm512_slli_epi32(all, 4), all), e[0]);
  alignas(64) int32_t lane[16];
  _mm512_store_si512(lane, all);
  int32_t sums[4];
  for (int i = 0; i < 4; ++i) {
    sums[i] = (lane[4 * i] + lane[4 * i + 1]) + (lane[4 * i + 2] + lane[4 * i + 3]);
    to.sums_of_32[i] = to.scales[i / 2] * static_cast<float>(sums[i]);
  }
  for (int i = 0; i < 2; ++i) to.sums_of_64[i] = to.scales[i] * static_cast<float>(sums[2 * i] + sums[2 * i + 1]);
}

template <bool halves>
void round_line(const float* x, const Target& to) {
  __m512 v[8];
  load_line<halves>(x, v);
  const Scales scales = scales_of(v);
  const __m512 sixteenth = _mm512_set1_ps(1.0F / 16);
  __m512i a[4];
  __m512i e[4];
  __m512 before = _mm512_setzero_ps();
  for (int p = 7; p >= 0; --p) {
    const __m512 finite = _mm512_maskz_mul_ps(_mm512_cmp_ps_mask(scales.scale, scales.scale, _CMP_ORD_Q), v[p], scales.inverse);
    before = _mm512_roundscale_ps(_mm512_fnmadd_ps(before, sixteenth, finite), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    (p % 2 != 0 ? a : e)[p / 2] = _mm512_cvtps_epi32(before);
  }
  const __m512 scale = _mm512_mul_ps(scales.scale, sixteenth);
  to.scales[0] = _mm512_cvtss_f32(scale);
  to.scales[1] = _mm_cvtss_f32(_mm512_extractf32x4_ps(scale, 2));
  write_sums(a, e, to);
  _mm512_storeu_si512(to.digits, take_high(a));
  _mm512_storeu_si512(to.digits + 64, take_high(e));
  _mm512_storeu_si512(to.digits + 128, bytes_of(a[0], a[1], a[2], a[3]));
  _mm512_storeu_si512(to.digits + 192, bytes_of(e[0], e[1], e[2], e[3]));
}

int64_t bytes(int64_t n, int64_t k) { return n * token_bytes(k); }

template <bool halves>
void round_token(const float* x, int64_t k, std::byte* out) {
  const int64_t lines = lines_of(k);
  auto* floats = reinterpret_cast<float*>(out + lines * 256);
  for (int64_t line = 0; line < lines; ++line) {
    const Target target{reinterpret_cast<int8_t*>(out + (lines - 1 - line) * 256), floats + 2 * line, floats + 2 * (lines + line),
                        floats + 4 * (lines + line)};
    const float* from = x + line * kLineValues;
    const int64_t left = k - line * kLineValues;
    if (left >= kLineValues) {
      round_line<halves>(from, target);
      continue;
    }
    float last[kLineValues] = {};
    __builtin_memcpy(last, from, static_cast<std::size_t>(left) * sizeof(float));
    round_line<halves>(last, target);
  }
}

template <bool halves>
void round(const float* x, int64_t /*n*/, int64_t k, int64_t begin, int64_t end, std::byte* out) {
  for (int64_t token = begin; token < end; ++token) round_token<halves>(x + token * k, k, out + token * token_bytes(k));
}

}  // namespace

Digits digits_of(const Activations& x, int64_t token) {
  const int64_t lines = lines_of(x.k);
  const std::byte* at = x.rounded + token * token_bytes(x.k);
  const auto* floats = reinterpret_cast<const float*>(at + lines * 256);
  return {reinterpret_cast<const int8_t*>(at), floats, floats + 2 * lines, floats + 4 * lines, lines};
}

const Rounding kDigits{"digits", bytes, round<false>};
const Rounding kDigitsOfHalves{"digits, halves", bytes, round<true>};

}  // namespace ifm::avx512
