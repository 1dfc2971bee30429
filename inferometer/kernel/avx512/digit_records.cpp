#include "inferometer/kernel/avx512/digit_records.h"

#include "inferometer/kernel/avx512/int16.h"

namespace ifm::avx512 {
namespace {

constexpr int64_t kStartsAt = 512;
constexpr int64_t kStartsOf32At = 528;
constexpr int64_t kStartsOf16At = 560;
constexpr int64_t kScalesAt = 624;
constexpr int64_t kSumsAt = 640;
constexpr int64_t kSumsOf32At = 656;
/// The digits of one token in the order of the panel's quads: dword 4 L + s = quad L of subgroup s.
template <bool split>
__m512i quads_of(const __m512i* digits) {
  const __m512i ordered[4] = {in_quad_order<split>(digits[0]), in_quad_order<split>(digits[1]), in_quad_order<split>(digits[2]),
                              in_quad_order<split>(digits[3])};
  return pack_quads(ordered);
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
    const Int16 rounded = round_to_int16(block.token[t], k, at);
    high[t] = quads_of<split>(rounded.high);
    low[t] = quads_of<split>(rounded.low);
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
