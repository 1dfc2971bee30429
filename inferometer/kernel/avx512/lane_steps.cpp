#include "inferometer/kernel/avx512/lane_steps.h"

#include <immintrin.h>

#include "inferometer/kernel/avx512/int16.h"

namespace ifm::avx512 {
namespace {

void round_step(const float* x, int64_t k, int64_t at, LaneStep& to) {
  const Int16 rounded = round_to_int16(x, k, at);
  // Bytes come packed with the quads of the subgroups interleaved; lanes want them in order.
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  const __m512i high = _mm512_permutexvar_epi32(order, pack_quads(rounded.high));
  const __m512i low = _mm512_permutexvar_epi32(order, pack_quads(rounded.low));
  const __m512i ones = _mm512_set1_epi8(1);
  const __m512i highs = _mm512_slli_epi32(_mm512_dpbusd_epi32(_mm512_setzero_si512(), ones, high), 8);
  const __m512i sums = _mm512_dpbusd_epi32(highs, ones, low);
  _mm512_storeu_si512(to.high, high);
  _mm512_storeu_si512(to.low, low);
  _mm512_storeu_si512(to.lane_sums, sums);
  _mm512_storeu_ps(to.scaled_sums, _mm512_mul_ps(_mm512_set1_ps(rounded.scale), _mm512_cvtepi32_ps(sums)));
  to.scale = rounded.scale;
}

int64_t bytes(int64_t n, int64_t k) { return n * lane_steps_of(k) * static_cast<int64_t>(sizeof(LaneStep)); }

void round(const float* x, int64_t /*n*/, int64_t k, int64_t begin, int64_t end, std::byte* out) {
  const int64_t steps = lane_steps_of(k);
  for (int64_t token = begin; token < end; ++token) {
    auto* to = reinterpret_cast<LaneStep*>(out) + token * steps + steps - 1;
    for (int64_t step = 0; step < steps; ++step) round_step(x + token * k, k, 64 * step, *(to - step));
  }
}

}  // namespace

int64_t lane_steps_of(int64_t k) { return (k + 63) / 64; }

const LaneStep* lane_steps(const Activations& x, int64_t token) {
  return reinterpret_cast<const LaneStep*>(x.rounded) + (token + 1) * lane_steps_of(x.k) - 1;
}

const Rounding kInt16Lanes{"int16", bytes, round};

}  // namespace ifm::avx512
