#include "inferometer/kernel/avx512/quads.h"

#include <immintrin.h>

#include "inferometer/kernel/avx512/lane_scales.h"
#include "inferometer/kernel/avx512/records.h"

namespace ifm::avx512 {
namespace {

constexpr float kTop = 127.0F;

/// apart: values between the quads of a lane, or 0 where it has one.
constexpr int64_t vectors_of(int apart) { return apart == 0 ? 1 : 2; }
constexpr int64_t sum_values_of(int apart) { return apart == 64 ? 16 : 32; }

/// Where the parts of a token lie, whose lines come first. While it is rounded, tops lie there: a line's end where it begins.
struct Offsets {
  Offsets(int apart, int64_t k)
      : lines((k + 64 * vectors_of(apart) - 1) / (64 * vectors_of(apart))),
        first_tops((lines - 1) * 64),
        base(lines * 64 * vectors_of(apart)),
        sums(base + 64),
        shifts(sums + lines * vectors_of(apart) * 64 / sum_values_of(apart) * 4),
        bytes((shifts + lines * 16 + 63) / 64 * 64) {}
  int64_t lines, first_tops, base, sums, shifts, bytes;
};

/// Lane 4 s + i of the result = dword 4 i of v[s].
__m512i first_of_quads(const __m512i* v) {
  const __m512i a = _mm512_unpacklo_epi32(v[0], v[1]);  // of each 128 bits: s = 0, 1
  const __m512i b = _mm512_unpacklo_epi32(v[2], v[3]);
  const __m512i quads = _mm512_unpacklo_epi64(a, b);  // dword 4 i + s
  return _mm512_permutexvar_epi32(_mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15), quads);
}

template <int apart>
class TokenRounding {
 public:
  TokenRounding(const float* x, int64_t k, std::byte* out) : x_(x), k_(k), offsets_(apart, k), out_(out) {}

  void run() {
    const uint32_t bits = write_tops();
    const LaneScales scales(kTop, bits, floats(offsets_.first_tops), offsets_.lines);
    for (int64_t line = 0; line < offsets_.lines; ++line) write_line(line, scales);
    *floats(offsets_.base) = scales.base();
  }

 private:
  static constexpr int kVectors = apart == 0 ? 1 : 2;

  /// The largest magnitudes of the 16 quads of 64 values, as the bits of floats.
  __m512i tops_of(int64_t at) const {
    __m512i v[4];
    for (int64_t s = 0; s < 4; ++s) {
      v[s] = _mm512_castps_si512(_mm512_abs_ps(_mm512_maskz_loadu_ps(there(k_, at + 16 * s), x_ + at + 16 * s)));
      v[s] = _mm512_max_epu32(v[s], _mm512_shuffle_epi32(v[s], _MM_PERM_CDAB));
      v[s] = _mm512_max_epu32(v[s], _mm512_shuffle_epi32(v[s], _MM_PERM_BADC));
    }
    return first_of_quads(v);
  }
  /// Of two vectors' 16 quads those of the lanes' first and second ones.
  static __m512i firsts(__m512i a, __m512i b) { return apart == 32 ? _mm512_shuffle_i64x2(a, b, 0x44) : a; }
  static __m512i seconds(__m512i a, __m512i b) { return apart == 32 ? _mm512_shuffle_i64x2(a, b, 0xEE) : b; }

  /// Leaves the lanes' largest values and returns the bits of the largest of all; those of infinity and NaN are the largest.
  uint32_t write_tops() {
    __m512i all = _mm512_setzero_si512();
    for (int64_t line = 0; line < offsets_.lines; ++line) {
      const int64_t at = line * 64 * kVectors;
      __m512i top = tops_of(at);
      if constexpr (kVectors == 2) {
        const __m512i behind = tops_of(at + 64);
        top = _mm512_max_epu32(firsts(top, behind), seconds(top, behind));
      }
      _mm512_store_si512(floats(offsets_.first_tops - 64 * line), top);
      all = _mm512_max_epu32(all, top);
    }
    return _mm512_reduce_max_epu32(all);
  }

  /// 64 values as bytes in their order; multipliers of their 16 quads.
  __m512i bytes_of(int64_t at, __m512 multipliers, bool bad) const {
    __m512i v[4];
    __m512i quad = _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
    for (int64_t s = 0; s < 4; ++s) {
      const auto mask = bad ? __mmask16{0} : there(k_, at + 16 * s);
      const __m512 values = _mm512_maskz_loadu_ps(mask, x_ + at + 16 * s);
      v[s] = _mm512_cvtps_epi32(_mm512_mul_ps(values, _mm512_permutexvar_ps(quad, multipliers)));
      quad = _mm512_add_epi32(quad, _mm512_set1_epi32(4));
    }
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    return _mm512_permutexvar_epi32(order, pack_quads(v));
  }

  void write_line(int64_t line, const LaneScales& scales) {
    const int64_t at = line * 64 * kVectors;
    const int64_t place = offsets_.lines - 1 - line;
    std::byte* bytes = out_ + place * 64 * kVectors;
    const auto [multipliers, shift] = scales.line(line);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out_ + offsets_.shifts + place * 16), _mm512_cvtepi32_epi8(shift));
    float* sums = floats(offsets_.sums) + line * 64 * kVectors / sum_values_of(apart);
    if constexpr (kVectors == 1) {
      const __m512i quads = bytes_of(at, multipliers, scales.bad());
      _mm512_store_si512(bytes, quads);
      const __m128i of_16 = sums_of_16(quads, shift);
      store_sums(sums, _mm_hadd_epi32(of_16, of_16), 2);
      return;
    }
    // Each lane's multiplier belongs to both of its quads.
    const __m512i m = _mm512_castps_si512(multipliers);
    const __m512i a = bytes_of(at, _mm512_castsi512_ps(firsts(m, m)), scales.bad());
    const __m512i b = bytes_of(at + 64, _mm512_castsi512_ps(seconds(m, m)), scales.bad());
    const __m512i first = firsts(a, b);
    const __m512i second = seconds(a, b);
    _mm512_store_si512(bytes, first);
    _mm512_store_si512(bytes + 64, second);
    const __m128i of_first = sums_of_16(first, shift);
    const __m128i of_second = sums_of_16(second, shift);
    if constexpr (apart == 64) {
      store_sums(sums, of_first, 4);
      store_sums(sums + 4, of_second, 4);
    } else {
      // 32 of the first vector, 32 of the second, and so on.
      store_sums(sums, _mm_shuffle_epi32(_mm_hadd_epi32(of_first, of_second), 0xD8), 4);
    }
  }

  /// Sums of four lanes each, in bases.
  static __m128i sums_of_16(__m512i quads, __m512i shift) {
    __m512i v = _mm512_sllv_epi32(_mm512_dpbusd_epi32(_mm512_setzero_si512(), _mm512_set1_epi8(1), quads), shift);
    v = _mm512_add_epi32(v, _mm512_shuffle_epi32(v, _MM_PERM_CDAB));
    v = _mm512_add_epi32(v, _mm512_shuffle_epi32(v, _MM_PERM_BADC));
    return _mm512_castsi512_si128(
        _mm512_permutexvar_epi32(_mm512_setr_epi32(0, 4, 8, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), v));
  }
  static void store_sums(float* to, __m128i sums, int64_t count) {
    _mm_mask_storeu_ps(to, static_cast<__mmask8>((1 << count) - 1), _mm_cvtepi32_ps(sums));
  }

  [[nodiscard]] float* floats(int64_t offset) const { return reinterpret_cast<float*>(out_ + offset); }

  const float* const x_;
  const int64_t k_;
  const Offsets offsets_;
  std::byte* const out_;
};

template <int apart>
int64_t bytes(int64_t n, int64_t k) {
  return n * Offsets(apart, k).bytes;
}

template <int apart>
void round(const float* x, int64_t /*n*/, int64_t k, int64_t begin, int64_t end, std::byte* out) {
  for (int64_t token = begin; token < end; ++token) TokenRounding<apart>(x + token * k, k, out + bytes<apart>(token, k)).run();
}

int apart_of(const Rounding& rounding) { return &rounding == &kQuads ? 0 : &rounding == &kQuads32Apart ? 32 : 64; }

}  // namespace

Quads quads_of(const Rounding& rounding, const Activations& x, int64_t token) {
  const Offsets offsets(apart_of(rounding), x.k);
  const std::byte* from = x.rounded + token * offsets.bytes;
  const auto floats = [&](int64_t offset) { return reinterpret_cast<const float*>(from + offset); };
  return {.lines = reinterpret_cast<const int8_t*>(from),
          .shifts = reinterpret_cast<const uint8_t*>(from + offsets.shifts),
          .sums = floats(offsets.sums),
          .base = *floats(offsets.base),
          .count = offsets.lines};
}

const Rounding kQuads{"quads12", bytes<0>, round<0>};
const Rounding kQuads32Apart{"quads12, 32 apart", bytes<32>, round<32>};
const Rounding kQuads64Apart{"quads12, 64 apart", bytes<64>, round<64>};

}  // namespace ifm::avx512
