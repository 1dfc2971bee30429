#include "inferometer/kernel/avx512/quads.h"

#include <immintrin.h>

#include "inferometer/kernel/avx512/lane_scales.h"
#include "inferometer/kernel/avx512/quad_values.h"

namespace ifm::avx512 {
namespace {

constexpr float kTop = 127.0F;

/// Where the parts of a token lie, whose lines come first. While it is rounded, a line's tops lie where it comes to lie.
struct Offsets {
  explicit Offsets(int64_t k)
      : lines((k + 63) / 64),
        first_tops((lines - 1) * 64),
        base(lines * 64),
        sums(base + 64),
        shifts(sums + lines * 2 * 4),
        bytes((shifts + lines * 16 + 63) / 64 * 64) {}
  int64_t lines, first_tops, base, sums, shifts, bytes;
};

class TokenRounding {
 public:
  TokenRounding(const float* x, int64_t k, std::byte* out) : x_(x), k_(k), offsets_(k), out_(out) {}

  void run() {
    float* tops = floats(offsets_.first_tops);
    const uint32_t bits = leave_tops(tops, offsets_.lines, [&](int64_t line) { return tops_of_quads(x_, k_, line * 64); });
    const LaneScales scales(kTop, bits, tops, offsets_.lines);
    for (int64_t line = 0; line < offsets_.lines; ++line) write_line(line, scales);
    *floats(offsets_.base) = scales.base();
  }

 private:
  void write_line(int64_t line, const LaneScales& scales) {
    const int64_t place = offsets_.lines - 1 - line;
    const auto [multipliers, shift] = scales.line(line);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out_ + offsets_.shifts + place * 16), _mm512_cvtepi32_epi8(shift));
    const __m512i quads = bytes_of_quads(x_, k_, line * 64, multipliers, scales.bad());
    _mm512_store_si512(out_ + place * 64, quads);
    const __m128i of_16 = sums_of_16(quads, shift);
    const __m128i of_32 = _mm_hadd_epi32(of_16, of_16);
    _mm_mask_storeu_ps(floats(offsets_.sums) + line * 2, 3, _mm_cvtepi32_ps(of_32));
  }

  /// Sums of four lanes each, in bases.
  static __m128i sums_of_16(__m512i quads, __m512i shift) {
    __m512i v = _mm512_sllv_epi32(_mm512_dpbusd_epi32(_mm512_setzero_si512(), _mm512_set1_epi8(1), quads), shift);
    v = _mm512_add_epi32(v, _mm512_shuffle_epi32(v, _MM_PERM_CDAB));
    v = _mm512_add_epi32(v, _mm512_shuffle_epi32(v, _MM_PERM_BADC));
    return _mm512_castsi512_si128(
        _mm512_permutexvar_epi32(_mm512_setr_epi32(0, 4, 8, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), v));
  }

  [[nodiscard]] float* floats(int64_t offset) const { return reinterpret_cast<float*>(out_ + offset); }

  const float* const x_;
  const int64_t k_;
  const Offsets offsets_;
  std::byte* const out_;
};

int64_t bytes(int64_t n, int64_t k) { return n * Offsets(k).bytes; }

void round(const float* x, int64_t /*n*/, int64_t k, int64_t begin, int64_t end, std::byte* out) {
  for (int64_t token = begin; token < end; ++token) TokenRounding(x + token * k, k, out + bytes(token, k)).run();
}

}  // namespace

Quads quads_of(const Activations& x, int64_t token) {
  const Offsets offsets(x.k);
  const std::byte* from = x.rounded + token * offsets.bytes;
  const auto floats = [&](int64_t offset) { return reinterpret_cast<const float*>(from + offset); };
  return {.lines = reinterpret_cast<const int8_t*>(from),
          .shifts = reinterpret_cast<const uint8_t*>(from + offsets.shifts),
          .sums = floats(offsets.sums),
          .base = *floats(offsets.base),
          .count = offsets.lines};
}

const Rounding kQuads{"quads12", bytes, round};

}  // namespace ifm::avx512
