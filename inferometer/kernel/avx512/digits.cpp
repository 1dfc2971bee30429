#include "inferometer/kernel/avx512/digits.h"

#include <immintrin.h>

#include "inferometer/kernel/avx512/nibble_lines.h"

namespace ifm::avx512 {
namespace {

/// The largest input as an integer. An integer takes up a sixteenth of the one before, which took up a sixteenth of another: at
/// most 16/15 of this, whose digits are still int8, 256 * 127 + 127 = 32,639.
constexpr float kTop = 30590.0F;
/// Values below count as zeros: the reciprocal of their scale would overflow.
constexpr float kSmallest = 0x1p-100F;

/// Bytes of one token: lines, scales, sums and room to read beyond, in whole cache lines.
int64_t token_bytes(int64_t k) { return lines_of(k) * 256 + (lines_of(k) * 32 + 64 + 63) / 64 * 64; }

/// Where a line goes.
struct Target {
  int8_t* digits;     // (256)
  float* scales;      // (2)
  float* sums_of_64;  // (2)
  float* sums_of_32;  // (4)
};

/// The largest lane of each half, in all lanes of the half.
__m512 top_of_halves(__m512 v) {
  v = _mm512_max_ps(v, _mm512_shuffle_f32x4(v, v, 0xB1));
  v = _mm512_max_ps(v, _mm512_shuffle_ps(v, v, 0x4E));
  return _mm512_max_ps(v, _mm512_shuffle_ps(v, v, 0xB1));
}

/// The high digits of four vectors; bytes_of(v) are the low ones.
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

/// Sums per 32 and 64 of the inputs that the integers stand for.
void write_sums(const LineIntegers& integers, const Target& to) {
  alignas(64) int32_t lane[16];
  _mm512_store_si512(lane, integers.lane_sums());
  int32_t sums[4];
  for (int i = 0; i < 4; ++i) {
    sums[i] = (lane[4 * i] + lane[4 * i + 1]) + (lane[4 * i + 2] + lane[4 * i + 3]);
    to.sums_of_32[i] = to.scales[i / 2] * static_cast<float>(sums[i]);
  }
  for (int i = 0; i < 2; ++i) to.sums_of_64[i] = to.scales[i] * static_cast<float>(sums[2 * i] + sums[2 * i + 1]);
}

void round_line(const __m512* x, const Target& to) {
  const Scales scales = scales_of(x);
  __m512 finite[8];
  for (int p = 0; p < 8; ++p) finite[p] = _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(scales.scale, scales.scale, _CMP_ORD_Q), x[p]);
  const LineIntegers integers(finite, scales.inverse);
  const __m512 scale = _mm512_mul_ps(scales.scale, _mm512_set1_ps(1.0F / 16));
  to.scales[0] = _mm512_cvtss_f32(scale);
  to.scales[1] = _mm_cvtss_f32(_mm512_extractf32x4_ps(scale, 2));
  write_sums(integers, to);
  _mm512_storeu_si512(to.digits, take_high(integers.a));
  _mm512_storeu_si512(to.digits + 64, take_high(integers.e));
  _mm512_storeu_si512(to.digits + 128, bytes_of(integers.a));
  _mm512_storeu_si512(to.digits + 192, bytes_of(integers.e));
}

int64_t bytes(int64_t n, int64_t k) { return n * token_bytes(k); }

template <bool halves>
void round_token(const float* x, int64_t k, std::byte* out) {
  const int64_t lines = lines_of(k);
  auto* floats = reinterpret_cast<float*>(out + lines * 256);
  for (int64_t line = 0; line < lines; ++line) {
    const Target target{reinterpret_cast<int8_t*>(out + (lines - 1 - line) * 256), floats + 2 * line, floats + 2 * (lines + line),
                        floats + 4 * (lines + line)};
    __m512 values[8];
    load_line<halves>(x, k, line, values);
    round_line(values, target);
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
