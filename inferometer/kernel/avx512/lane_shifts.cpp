#include "inferometer/kernel/avx512/lane_shifts.h"

#include <immintrin.h>

#include "inferometer/kernel/avx512/lane_scales.h"
#include "inferometer/kernel/avx512/nibble_lines.h"

namespace ifm::avx512 {
namespace {

/// The largest input less the sixteenth of the one before that it takes up. As an integer it is at most 127: that one's rounding
/// adds 0.04.
constexpr float kTop = 127.4F;

/// Where the parts of a token lie, whose pairs come first. While it is rounded, a pair's tops lie there, never behind what is
/// written before they are read.
struct Offsets {
  explicit Offsets(int64_t pairs)
      : first_tops((pairs - 1) * 64),
        first_pair((pairs - 1) * LaneShifts::kPairBytes),
        base(pairs * LaneShifts::kPairBytes),
        sums_of_32(base + 64),
        sums_of_64(sums_of_32 + (pairs + 1) / 2 * 64),
        bytes(sums_of_64 + (pairs + 3) / 4 * 64) {}
  int64_t first_tops, first_pair, base, sums_of_32, sums_of_64, bytes;
};

template <bool halves>
class TokenRounding {
 public:
  TokenRounding(const float* x, int64_t k, std::byte* out) : x_(x), k_(k), pairs_(pairs_of(k)), offsets_(pairs_), out_(out) {}

  void run() {
    float* tops = floats(offsets_.first_tops);
    const uint32_t bits = leave_tops(tops, pairs_, [&](int64_t pair) { return tops_of_pair(pair); });
    const LaneScales scales(kTop, bits, tops, pairs_);
    clear_last_sums();
    for (int64_t pair = 0; pair < pairs_; ++pair) write_pair(pair, scales);
    *floats(offsets_.base) = scales.base() / 16;
  }

 private:
  void clear_last_sums() {
    _mm512_store_ps(floats(offsets_.sums_of_64 - 64), _mm512_setzero_ps());
    _mm512_store_ps(floats(offsets_.bytes - 64), _mm512_setzero_ps());
  }

  /// The largest of each lane's eight, each less the sixteenth that it takes up.
  __m512i tops_of(int64_t line) const {
    __m512 v[8];
    load_line<halves>(x_, k_, line, v);
    __m512 before = _mm512_setzero_ps();
    __m512i top = _mm512_setzero_si512();
    unrolled<8>([&](auto i) __attribute__((always_inline)) {
      before = _mm512_fnmadd_ps(before, _mm512_set1_ps(1.0F / 16), v[7 - i]);
      top = _mm512_max_epu32(top, _mm512_castps_si512(_mm512_abs_ps(before)));
    });
    return top;
  }
  __m512i tops_of_pair(int64_t pair) const {
    const __m512i first = tops_of(2 * pair);
    const __m512i second = tops_of(2 * pair + 1);
    return _mm512_max_epu32(even_lanes(first, second), odd_lanes(first, second));
  }

  struct Line {
    __m512i a;
    __m512i e;
    __m512i sums;
  };
  Line round_line(int64_t line, __m512 multipliers, bool bad) const {
    __m512 v[8];
    load_line<halves>(x_, k_, line, v);
    if (bad) {
      for (__m512& eighth : v) eighth = _mm512_setzero_ps();
    }
    const LineIntegers integers(v, multipliers);
    return {bytes_of(integers.a), bytes_of(integers.e), integers.lane_sums()};
  }

  void write_pair(int64_t pair, const LaneScales& scales) {
    const auto [multipliers, shift] = scales.line(pair);
    const Line first = round_line(2 * pair, of_first_line(multipliers), scales.bad());
    const Line second = round_line(2 * pair + 1, of_second_line(multipliers), scales.bad());
    std::byte* to = out_ + offsets_.first_pair - pair * LaneShifts::kPairBytes;
    _mm512_store_si512(to, even_lanes(first.a, second.a));
    _mm512_store_si512(to + 64, even_lanes(first.e, second.e));
    _mm512_store_si512(to + 128, odd_lanes(first.a, second.a));
    _mm512_store_si512(to + 192, odd_lanes(first.e, second.e));
    _mm512_store_si512(to + 256, starts_of(shift));

    const __m512i sums = _mm512_add_epi32(even_lanes(first.sums, second.sums), odd_lanes(first.sums, second.sums));
    alignas(64) int32_t lane[16];
    _mm512_store_si512(lane, _mm512_sllv_epi32(sums, shift));
    int32_t of_32[8];
    for (int i = 0; i < 8; ++i) {
      const int32_t* two = lane + 4 * (i % 4) + 2 * (i / 4);
      of_32[i] = two[0] + two[1];
      floats(offsets_.sums_of_32)[8 * pair + i] = static_cast<float>(of_32[i]);
    }
    for (int i = 0; i < 4; ++i) floats(offsets_.sums_of_64)[4 * pair + i] = static_cast<float>(of_32[2 * i] + of_32[2 * i + 1]);
  }

  [[nodiscard]] float* floats(int64_t offset) const { return reinterpret_cast<float*>(out_ + offset); }

  const float* const x_;
  const int64_t k_;
  const int64_t pairs_;
  const Offsets offsets_;
  std::byte* const out_;
};

int64_t bytes(int64_t n, int64_t k) { return n * Offsets(pairs_of(k)).bytes; }

template <bool halves>
void round(const float* x, int64_t /*n*/, int64_t k, int64_t begin, int64_t end, std::byte* out) {
  for (int64_t token = begin; token < end; ++token) TokenRounding<halves>(x + token * k, k, out + bytes(token, k)).run();
}

}  // namespace

LaneShifts lane_shifts_of(const Activations& x, int64_t token) {
  const Offsets offsets(pairs_of(x.k));
  const std::byte* from = x.rounded + token * offsets.bytes;
  const auto floats = [&](int64_t offset) { return reinterpret_cast<const float*>(from + offset); };
  return {.first_pair = from + offsets.first_pair,
          .sums_of_64 = floats(offsets.sums_of_64),
          .sums_of_32 = floats(offsets.sums_of_32),
          .base = *floats(offsets.base)};
}

const Rounding kLaneShifts{"sixteens12", bytes, round<false>};
const Rounding kLaneShiftsOfHalves{"sixteens12, halves", bytes, round<true>};

}  // namespace ifm::avx512
