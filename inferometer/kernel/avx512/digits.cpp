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

/// Bytes of one token: pairs, scales, sums and room to read beyond, in whole cache lines.
int64_t token_bytes(int64_t k) { return pairs_of(k) * (Digits::kPairBytes + 64) + 64; }

/// Where a line's scales and sums go.
struct Target {
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

struct LineDigits {
  __m512i high_a, high_e, low_a, low_e;
};
LineDigits round_line(const __m512* x, const Target& to) {
  const Scales scales = scales_of(x);
  __m512 finite[8];
  for (int p = 0; p < 8; ++p) finite[p] = _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(scales.scale, scales.scale, _CMP_ORD_Q), x[p]);
  const LineIntegers integers(finite, scales.inverse);
  const __m512 scale = _mm512_mul_ps(scales.scale, _mm512_set1_ps(1.0F / 16));
  to.scales[0] = _mm512_cvtss_f32(scale);
  to.scales[1] = _mm_cvtss_f32(_mm512_extractf32x4_ps(scale, 2));
  write_sums(integers, to);
  return {take_high(integers.a), take_high(integers.e), bytes_of(integers.a), bytes_of(integers.e)};
}

int64_t bytes(int64_t n, int64_t k) { return n * token_bytes(k); }

template <bool halves>
void round_token(const float* x, int64_t k, std::byte* out) {
  const int64_t pairs = pairs_of(k);
  auto* floats = reinterpret_cast<float*>(out + pairs * Digits::kPairBytes);
  const auto rounded = [&](int64_t line) {
    __m512 values[8];
    load_line<halves>(x, k, line, values);
    return round_line(values, {floats + 2 * line, floats + 4 * pairs + 2 * line, floats + 8 * pairs + 4 * line});
  };
  for (int64_t pair = 0; pair < pairs; ++pair) {
    const LineDigits first = rounded(2 * pair);
    const LineDigits second = rounded(2 * pair + 1);
    std::byte* to = out + (pairs - 1 - pair) * Digits::kPairBytes;
    const auto store = [&](int64_t at, __m512i a, __m512i b) {
      _mm512_store_si512(to + at, even_lanes(a, b));
      _mm512_store_si512(to + at + 128, odd_lanes(a, b));
    };
    store(0, first.high_a, second.high_a);
    store(64, first.high_e, second.high_e);
    store(256, first.low_a, second.low_a);
    store(320, first.low_e, second.low_e);
  }
}

template <bool halves>
void round(const float* x, int64_t /*n*/, int64_t k, int64_t begin, int64_t end, std::byte* out) {
  for (int64_t token = begin; token < end; ++token) round_token<halves>(x + token * k, k, out + token * token_bytes(k));
}

}  // namespace

Digits digits_of(const Activations& x, int64_t token) {
  const int64_t pairs = pairs_of(x.k);
  const std::byte* at = x.rounded + token * token_bytes(x.k);
  const auto* floats = reinterpret_cast<const float*>(at + pairs * Digits::kPairBytes);
  return {at + (pairs - 1) * Digits::kPairBytes, floats, floats + 4 * pairs, floats + 8 * pairs};
}

const Rounding kDigits{"digits", bytes, round<false>};
const Rounding kDigitsOfHalves{"digits, halves", bytes, round<true>};

}  // namespace ifm::avx512
