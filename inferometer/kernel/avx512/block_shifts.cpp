#include "inferometer/kernel/avx512/block_shifts.h"

#include <immintrin.h>

#include "inferometer/kernel/avx512/lane_scales.h"
#include "inferometer/kernel/avx512/nibble_lines.h"
#include "inferometer/kernel/avx512/quad_values.h"

namespace ifm::avx512 {
namespace {

constexpr float kTop = 127.0F;

/// Where the parts of a token lie, whose blocks come first. While it is rounded, a block's tops lie there, never behind what is
/// written before they are read.
struct Offsets {
  explicit Offsets(int64_t k)
      : blocks(k / 256),
        first_tops((blocks - 1) * 64),
        first_block((blocks - 1) * BlockShifts::kBlockBytes),
        base(blocks * BlockShifts::kBlockBytes),
        bytes(base + 64) {}
  int64_t blocks, first_tops, first_block, base, bytes;
};

template <int apart>
class TokenRounding {
 public:
  TokenRounding(const float* x, int64_t k, std::byte* out) : x_(x), k_(k), offsets_(k), out_(out) {}

  void run() {
    float* tops = floats(offsets_.first_tops);
    const uint32_t bits = leave_tops(tops, offsets_.blocks, [&](int64_t block) { return tops_of_block(block); });
    const LaneScales scales(kTop, bits, tops, offsets_.blocks);
    for (int64_t block = 0; block < offsets_.blocks; ++block) write_block(block, scales);
    *floats(offsets_.base) = scales.base();
  }

 private:
  /// Of a line's 32 quads those of the low and those of the high nibbles; and back, as both are given.
  static __m512i lows(__m512i a, __m512i b) { return apart == 32 ? _mm512_shuffle_i64x2(a, b, 0x44) : a; }
  static __m512i highs(__m512i a, __m512i b) { return apart == 32 ? _mm512_shuffle_i64x2(a, b, 0xEE) : b; }

  __m512i tops_of_line(int64_t at) const {
    const __m512i a = tops_of_quads(x_, k_, at);
    const __m512i b = tops_of_quads(x_, k_, at + 64);
    return _mm512_max_epu32(lows(a, b), highs(a, b));
  }
  __m512i tops_of_block(int64_t block) const {
    const __m512i first = tops_of_line(256 * block);
    const __m512i second = tops_of_line(256 * block + kLineValues);
    return _mm512_max_epu32(even_lanes(first, second), odd_lanes(first, second));
  }

  struct Line {
    __m512i low;
    __m512i high;
  };
  Line round_line(int64_t at, __m512 multipliers, bool bad) const {
    const __m512i m = _mm512_castps_si512(multipliers);
    const __m512i a = bytes_of_quads(x_, k_, at, _mm512_castsi512_ps(lows(m, m)), bad);
    const __m512i b = bytes_of_quads(x_, k_, at + 64, _mm512_castsi512_ps(highs(m, m)), bad);
    return {lows(a, b), highs(a, b)};
  }

  void write_block(int64_t block, const LaneScales& scales) {
    const auto [multipliers, shift] = scales.line(block);
    const Line first = round_line(256 * block, of_first_line(multipliers), scales.bad());
    const Line second = round_line(256 * block + kLineValues, of_second_line(multipliers), scales.bad());
    const __m512i low[2] = {even_lanes(first.low, second.low), odd_lanes(first.low, second.low)};
    const __m512i high[2] = {even_lanes(first.high, second.high), odd_lanes(first.high, second.high)};
    std::byte* to = out_ + offsets_.first_block - block * BlockShifts::kBlockBytes;
    _mm512_store_si512(to, low[0]);
    _mm512_store_si512(to + 64, low[1]);
    _mm512_store_si512(to + 128, high[0]);
    _mm512_store_si512(to + 192, high[1]);
    _mm512_store_si512(to + 256, starts_of(shift));
    _mm512_store_ps(to + 320, offset_sums(sums_of_pairs(low, shift), sums_of_pairs(high, shift)));
  }

  /// The sums of two neighbouring lanes, in both.
  static __m512i sums_of_pairs(const __m512i (&bytes)[2], __m512i shift) {
    const __m512i ones = _mm512_set1_epi8(1);
    const __m512i of_lanes = _mm512_dpbusd_epi32(_mm512_dpbusd_epi32(_mm512_setzero_si512(), ones, bytes[0]), ones, bytes[1]);
    const __m512i shifted = _mm512_sllv_epi32(of_lanes, shift);
    return _mm512_add_epi32(shifted, _mm512_shuffle_epi32(shifted, _MM_PERM_CDAB));
  }
  /// The groups' sums where the rows' factors() have what they are multiplied with.
  static __m512 offset_sums(__m512i low, __m512i high) {
    if constexpr (apart == 64) {
      const __m512i lanes = _mm512_setr_epi32(0, 4, 8, 12, 16, 20, 24, 28, 2, 6, 10, 14, 18, 22, 26, 30);
      return _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_permutex2var_epi32(low, lanes, high)), _mm512_set1_ps(-32.0F));
    }
    const auto of_four = [](__m512i pairs) { return _mm512_add_epi32(pairs, _mm512_shuffle_i32x4(pairs, pairs, 0xB1)); };
    const __m512i lanes = _mm512_setr_epi32(0, 0, 0, 0, 0, 16, 8, 24, 0, 0, 0, 0, 2, 18, 10, 26);
    const __m512i sums = _mm512_maskz_permutex2var_epi32(0xF0F0, of_four(low), lanes, of_four(high));
    return _mm512_cvtepi32_ps(_mm512_sub_epi32(_mm512_setzero_si512(), sums));
  }

  [[nodiscard]] float* floats(int64_t offset) const { return reinterpret_cast<float*>(out_ + offset); }

  const float* const x_;
  const int64_t k_;
  const Offsets offsets_;
  std::byte* const out_;
};

int64_t bytes(int64_t n, int64_t k) { return n * Offsets(k).bytes; }

template <int apart>
void round(const float* x, int64_t /*n*/, int64_t k, int64_t begin, int64_t end, std::byte* out) {
  for (int64_t token = begin; token < end; ++token) TokenRounding<apart>(x + token * k, k, out + bytes(token, k)).run();
}

}  // namespace

BlockShifts block_shifts_of(const Activations& x, int64_t token) {
  const Offsets offsets(x.k);
  const std::byte* from = x.rounded + token * offsets.bytes;
  return {.first_block = from + offsets.first_block, .base = *reinterpret_cast<const float*>(from + offsets.base)};
}

const Rounding kEights32Apart{"eights12, 32 apart", bytes, round<32>};
const Rounding kEights64Apart{"eights12, 64 apart", bytes, round<64>};

}  // namespace ifm::avx512
