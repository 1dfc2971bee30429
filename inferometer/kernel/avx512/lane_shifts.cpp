#include "inferometer/kernel/avx512/lane_shifts.h"

#include <immintrin.h>

#include "inferometer/kernel/avx512/lane_scales.h"
#include "inferometer/kernel/avx512/nibble_lines.h"

namespace ifm::avx512 {
namespace {

/// The largest input as an integer: one that takes up a sixteenth of the one before is at most 127.
constexpr float kTop = 119.0F;

/// Where the parts of a token lie, whose lines come first; tops are only for rounding.
struct Offsets {
  explicit Offsets(int64_t lines)
      : tops(lines * 128),
        base(tops + lines * 64),
        sums_of_32(base + 64),
        sums_of_64(sums_of_32 + lines * 16),
        shifts(sums_of_64 + lines * 8),
        bytes((shifts + lines * 16 + 63) / 64 * 64) {}
  int64_t tops, base, sums_of_32, sums_of_64, shifts, bytes;
};

template <bool halves>
class TokenRounding {
 public:
  TokenRounding(const float* x, int64_t k, std::byte* out) : x_(x), k_(k), lines_(lines_of(k)), offsets_(lines_), out_(out) {}

  void run() {
    const uint32_t bits = write_tops();
    const LaneScales scales(kTop, bits, floats(offsets_.tops), lines_);
    for (int64_t line = 0; line < lines_; ++line) write_line(line, scales);
    *floats(offsets_.base) = scales.base() / 16;
  }

 private:
  /// Leaves the lanes' largest values and returns the bits of the largest of all; those of infinity and NaN are the largest.
  uint32_t write_tops() {
    __m512i all = _mm512_setzero_si512();
    for (int64_t line = 0; line < lines_; ++line) {
      __m512 v[8];
      load_line<halves>(x_, k_, line, v);
      __m512i top = _mm512_setzero_si512();
      for (const __m512& eighth : v) top = _mm512_max_epu32(top, _mm512_castps_si512(_mm512_abs_ps(eighth)));
      _mm512_store_si512(floats(offsets_.tops + 64 * line), top);
      all = _mm512_max_epu32(all, top);
    }
    return _mm512_reduce_max_epu32(all);
  }

  void write_line(int64_t line, const LaneScales& scales) {
    __m512 v[8];
    load_line<halves>(x_, k_, line, v);
    if (scales.bad()) {
      for (__m512& eighth : v) eighth = _mm512_setzero_ps();
    }
    const auto [multipliers, shift] = scales.line(line);
    const LineIntegers integers(v, multipliers);
    const int64_t place = lines_ - 1 - line;
    _mm512_store_si512(out_ + place * 128, bytes_of(integers.a));
    _mm512_store_si512(out_ + place * 128 + 64, bytes_of(integers.e));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out_ + offsets_.shifts + place * 16), _mm512_cvtepi32_epi8(shift));
    alignas(64) int32_t lane[16];
    _mm512_store_si512(lane, _mm512_sllv_epi32(integers.lane_sums(), shift));
    int32_t sums[4];
    for (int i = 0; i < 4; ++i) {
      sums[i] = (lane[4 * i] + lane[4 * i + 1]) + (lane[4 * i + 2] + lane[4 * i + 3]);
      floats(offsets_.sums_of_32)[4 * line + i] = static_cast<float>(sums[i]);
    }
    for (int i = 0; i < 2; ++i) floats(offsets_.sums_of_64)[2 * line + i] = static_cast<float>(sums[2 * i] + sums[2 * i + 1]);
  }

  [[nodiscard]] float* floats(int64_t offset) const { return reinterpret_cast<float*>(out_ + offset); }

  const float* const x_;
  const int64_t k_;
  const int64_t lines_;
  const Offsets offsets_;
  std::byte* const out_;
};

int64_t bytes(int64_t n, int64_t k) { return n * Offsets(lines_of(k)).bytes; }

template <bool halves>
void round(const float* x, int64_t /*n*/, int64_t k, int64_t begin, int64_t end, std::byte* out) {
  for (int64_t token = begin; token < end; ++token) TokenRounding<halves>(x + token * k, k, out + bytes(token, k)).run();
}

}  // namespace

LaneShifts lane_shifts_of(const Activations& x, int64_t token) {
  const Offsets offsets(lines_of(x.k));
  const std::byte* from = x.rounded + token * offsets.bytes;
  const auto floats = [&](int64_t offset) { return reinterpret_cast<const float*>(from + offset); };
  return {.lines = reinterpret_cast<const int8_t*>(from),
          .shifts = reinterpret_cast<const uint8_t*>(from + offsets.shifts),
          .sums_of_64 = floats(offsets.sums_of_64),
          .sums_of_32 = floats(offsets.sums_of_32),
          .base = *floats(offsets.base),
          .count = lines_of(x.k)};
}

const Rounding kLaneShifts{"lanes12", bytes, round<false>};
const Rounding kLaneShiftsOfHalves{"lanes12, halves", bytes, round<true>};

}  // namespace ifm::avx512
