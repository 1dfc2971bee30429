#include "inferometer/kernel/avx512/digit_records.h"

namespace ifm::avx512 {
namespace {

constexpr int64_t kStartsAt = 512;
constexpr int64_t kStartsOf32At = 528;
constexpr int64_t kStartsOf16At = 560;
constexpr int64_t kScalesAt = 624;
constexpr int64_t kSumsAt = 640;
constexpr int64_t kSumsOf32At = 656;
/// 256 * 127 + 127: the largest integer whose digits are int8.
constexpr float kTop = 32639.0F;
/// Values below count as zeros: the reciprocal of their scale would overflow.
constexpr float kSmallest = 0x1p-100F;

/// 64 values of one token as digits in the order of the panel's quads: dword 4 L + s = quad L of subgroup s.
struct Rounded {
  __m512i high;
  __m512i low;
  float scale;
};

template <bool split>
Rounded round_64(const float* x, int64_t k, int64_t at) {
  __m512 v[4];
  __m512i top = _mm512_setzero_si512();
  for (int64_t s = 0; s < 4; ++s) {
    v[s] = _mm512_maskz_loadu_ps(there(k, at + 16 * s), x + at + 16 * s);
    // As integers: the bits of infinity and NaN are larger than all others.
    top = _mm512_max_epu32(top, _mm512_castps_si512(_mm512_abs_ps(v[s])));
  }
  const uint32_t bits = _mm512_reduce_max_epu32(top);
  float largest = 0;
  __builtin_memcpy(&largest, &bits, 4);
  const bool finite = bits < 0x7F800000;
  const bool used = finite && largest >= kSmallest;
  const __m512 inverse = _mm512_set1_ps(used ? kTop / largest : 0.0F);
  __m512i high[4];
  __m512i low[4];
  for (int64_t s = 0; s < 4; ++s) {
    const __m512i integers = _mm512_cvtps_epi32(used ? _mm512_mul_ps(v[s], inverse) : _mm512_setzero_ps());
    const __m512i ordered = in_quad_order<split>(integers);
    // The low digit is signed: half of its range up, the high one takes the carry.
    high[s] = _mm512_srai_epi32(_mm512_add_epi32(ordered, _mm512_set1_epi32(128)), 8);
    low[s] = _mm512_sub_epi32(ordered, _mm512_slli_epi32(high[s], 8));
  }
  return {pack_quads(high), pack_quads(low), used ? largest / kTop : (finite ? 0.0F : __builtin_nanf(""))};
}

/// Lane 4 s + t = the sum of the integers of subgroup s of token t.
__m512i sums_of_subgroups(const __m512i* high, const __m512i* low) {
  const __m512i ones = _mm512_set1_epi8(1);
  __m512i sums[4];
  for (int s = 0; s < 4; ++s) {
    const __m512i highs = _mm512_slli_epi32(_mm512_dpbusd_epi32(_mm512_setzero_si512(), ones, high[s]), 8);
    sums[s] = _mm512_dpbusd_epi32(highs, ones, low[s]);
  }
  return sum_of_lanes(sums);
}

void store(std::byte* at, __m128i v) { _mm_storeu_si128(reinterpret_cast<__m128i*>(at), v); }

template <int zero_bits, bool split>
void write_record(const Block& block, int64_t k, std::byte* record, int64_t at) {
  __m512i high[4];
  __m512i low[4];
  alignas(16) float scales[4];
  for (int t = 0; t < 4; ++t) {
    const Rounded rounded = round_64<split>(block.token[t], k, at);
    high[t] = rounded.high;
    low[t] = rounded.low;
    scales[t] = rounded.scale;
  }
  __m512i high_quads[4];
  __m512i low_quads[4];
  transpose_dwords(high, high_quads);
  transpose_dwords(low, low_quads);
  for (int s = 0; s < 4; ++s) {
    _mm512_storeu_si512(record + 64 * s, high_quads[s]);
    _mm512_storeu_si512(record + 256 + 64 * s, low_quads[s]);
  }
  const __m512i sums = sums_of_subgroups(high_quads, low_quads);
  const __m128i half[2] = {_mm_add_epi32(_mm512_castsi512_si128(sums), _mm512_extracti32x4_epi32(sums, 1)),
                           _mm_add_epi32(_mm512_extracti32x4_epi32(sums, 2), _mm512_extracti32x4_epi32(sums, 3))};
  const __m128i whole = _mm_add_epi32(half[0], half[1]);
  const auto start = [](__m128i sum) { return _mm_sub_epi32(_mm_setzero_si128(), _mm_slli_epi32(sum, zero_bits)); };
  store(record + kStartsAt, start(whole));
  store(record + kStartsOf32At, start(half[0]));
  store(record + kStartsOf32At + 16, start(half[1]));
  _mm512_storeu_si512(record + kStartsOf16At, _mm512_sub_epi32(_mm512_setzero_si512(), _mm512_slli_epi32(sums, zero_bits)));
  const __m128 scale = _mm_load_ps(scales);
  const auto scaled = [&](__m128i sum) { return _mm_castps_si128(_mm_mul_ps(scale, _mm_cvtepi32_ps(sum))); };
  store(record + kScalesAt, _mm_castps_si128(scale));
  store(record + kSumsAt, scaled(whole));
  store(record + kSumsOf32At, scaled(half[0]));
  store(record + kSumsOf32At + 16, scaled(half[1]));
}

int64_t bytes(int64_t n, int64_t k) { return blocks_of(n) * cut_into_spans(k).records * kDigitRecordBytes; }

template <int zero_bits, bool split>
void round(const float* x, int64_t n, int64_t k, int64_t begin, int64_t end, std::byte* out) {
  const SpanCut cut = cut_into_spans(k);
  for (int64_t token = begin; token < end; token += kRoundedTokens) {
    const int64_t index = token / kRoundedTokens;
    const Block block(x, n, k, index);
    for_records(out, cut, kDigitRecordBytes, index, blocks_of(n),
                [&](std::byte* record, int64_t at, bool /*second*/) { write_record<zero_bits, split>(block, k, record, at); });
  }
}

}  // namespace

const Rounding kInt16Zero8Split{"int16", bytes, round<3, true>};
const Rounding kInt16Zero8{"int16", bytes, round<3, false>};
const Rounding kInt16Zero16{"int16", bytes, round<4, false>};
const Rounding kInt16Zero32{"int16", bytes, round<5, false>};
const Rounding kInt16Zero128{"int16", bytes, round<7, false>};

}  // namespace ifm::avx512
