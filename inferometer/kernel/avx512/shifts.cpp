#include "inferometer/kernel/avx512/shifts.h"

#include <immintrin.h>

#include "inferometer/kernel/avx512/factor_choice.h"

namespace ifm::avx512 {
namespace {

constexpr int64_t kShiftsAt = 256;
constexpr int64_t kStartsAt = 320;
constexpr int64_t kPairsOf32At = 384;
constexpr int64_t kPairsOf64At = 400;
/// Tokens whose largest value is smaller count as zeros: the reciprocal of their base would overflow.
constexpr float kSmallest = 0x1p-100F;

/// Lane 4 s + t = the largest of v[4 s + t], as unsigned integers.
__m512i largest_of_each(const __m512i* v) {
  __m512i quarter[4];
  for (int i = 0; i < 4; ++i) {
    const __m512i* a = v + 4 * i;
    const __m512i ab = _mm512_max_epu32(_mm512_unpacklo_epi32(a[0], a[1]), _mm512_unpackhi_epi32(a[0], a[1]));
    const __m512i cd = _mm512_max_epu32(_mm512_unpacklo_epi32(a[2], a[3]), _mm512_unpackhi_epi32(a[2], a[3]));
    quarter[i] = _mm512_max_epu32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));
  }
  const auto halves = [](__m512i a, __m512i b) {
    return _mm512_max_epu32(_mm512_shuffle_i32x4(a, b, 0x88), _mm512_shuffle_i32x4(a, b, 0xDD));
  };
  return halves(halves(quarter[0], quarter[1]), halves(quarter[2], quarter[3]));
}

/// (4 subgroups, 4 tokens) magnitudes, as the bits of floats: those of infinity and NaN are larger than all others.
__m512i tops_of_record(const Block& block, int64_t k, int64_t at) {
  const __m512i magnitude = _mm512_set1_epi32(0x7FFFFFFF);
  __m512i v[16];
  for (int64_t s = 0; s < 4; ++s) {
    const __mmask16 mask = there(k, at + 16 * s);
    for (int64_t t = 0; t < 4; ++t) {
      v[4 * s + t] = _mm512_and_si512(_mm512_maskz_loadu_epi32(mask, block.token[t] + at + 16 * s), magnitude);
    }
  }
  return largest_of_each(v);
}

/// Rounds one block of tokens.
template <int cap, int zero_bits, bool split>
class BlockRounding {
 public:
  BlockRounding(const Block& block, int64_t k, const SpanCut& cut, std::byte* out, int64_t index, int64_t blocks)
      : block_(block), k_(k), cut_(cut), out_(out), index_(index), blocks_(blocks) {}

  /// Writes the block's records and returns its four bases.
  __m128 run() {
    const __m512i bits = write_tops();
    const __mmask16 bad = _mm512_cmpge_epu32_mask(bits, _mm512_set1_epi32(0x7F800000));
    const __m512 top = _mm512_castsi512_ps(bits);
    const __mmask16 used = static_cast<__mmask16>(_mm512_cmp_ps_mask(top, _mm512_set1_ps(kSmallest), _CMP_GE_OQ) & ~bad);
    const __m512 widened = _mm512_maskz_mul_ps(used, top, best_factor(top));
    const __m512 inverse = _mm512_maskz_div_ps(used, _mm512_set1_ps(127.0F), widened);
    for_records(out_, cut_, kShiftRecordBytes, index_, blocks_,
                [&](std::byte* record, int64_t at, bool second) { write_record(record, at, second, widened, inverse); });
    const __m512 base = _mm512_mul_ps(_mm512_div_ps(widened, _mm512_set1_ps(127.0F)), _mm512_set1_ps(1.0F / (1 << cap)));
    return _mm512_castps512_ps128(_mm512_mask_mov_ps(base, bad, _mm512_set1_ps(__builtin_nanf(""))));
  }

 private:
  /// Leaves the subgroups' largest values where their shifts will be, and returns the tokens' largest ones, in every subgroup.
  __m512i write_tops() {
    __m512i all = _mm512_setzero_si512();
    for_records(out_, cut_, kShiftRecordBytes, index_, blocks_, [&](std::byte* record, int64_t at, bool) {
      const __m512i tops = tops_of_record(block_, k_, at);
      _mm512_storeu_si512(record + kShiftsAt, tops);
      all = _mm512_max_epu32(all, tops);
    });
    all = _mm512_max_epu32(all, _mm512_shuffle_i32x4(all, all, 0x4E));
    return _mm512_max_epu32(all, _mm512_shuffle_i32x4(all, all, 0xB1));
  }

  __m512 best_factor(__m512 top) {
    FactorChoice choice;
    for_records(out_, cut_, kShiftRecordBytes, index_, blocks_, [&](std::byte* record, int64_t, bool) {
      choice.add(_mm512_div_ps(top, _mm512_loadu_ps(record + kShiftsAt)), cap);
    });
    return choice.best([](__m512 v) {  // over a token's subgroups
      v = _mm512_add_ps(v, _mm512_shuffle_f32x4(v, v, 0x4E));
      return _mm512_add_ps(v, _mm512_shuffle_f32x4(v, v, 0xB1));
    });
  }

  void write_record(std::byte* record, int64_t at, bool second, __m512 widened, __m512 inverse) {
    const __m512 ratio = _mm512_div_ps(widened, _mm512_loadu_ps(record + kShiftsAt));
    const __m512 gain = FactorChoice::gain(ratio, cap);
    const __m512i shift = _mm512_sub_epi32(_mm512_set1_epi32(cap), _mm512_cvtps_epi32(gain));
    alignas(64) float multiplier[16];
    _mm512_store_ps(multiplier, _mm512_scalef_ps(inverse, gain));
    __m512i rows[4];
    for (int64_t t = 0; t < 4; ++t) rows[t] = round_64(block_.token[t], at, multiplier + t);
    __m512i subgroups[4];
    transpose_dwords(rows, subgroups);
    __m512i sums[4];
    for (int64_t s = 0; s < 4; ++s) {
      _mm512_storeu_si512(record + 64 * s, subgroups[s]);
      sums[s] = _mm512_dpbusd_epi32(_mm512_setzero_si512(), _mm512_set1_epi8(1), subgroups[s]);
    }
    const __m512i sum = sum_of_lanes(sums);
    _mm512_storeu_si512(record + kShiftsAt, shift);
    _mm512_storeu_si512(record + kStartsAt, _mm512_sub_epi32(_mm512_setzero_si512(), _mm512_slli_epi32(sum, zero_bits)));
    write_pairs(record, second, _mm512_sllv_epi32(sum, shift));
  }

  /// 64 values of one token as bytes: dword 4 L + s = quad L of subgroup s.
  __m512i round_64(const float* x, int64_t at, const float* multiplier) {
    const __m512 limit = _mm512_set1_ps(127.0F);
    __m512i v[4];
    for (int64_t s = 0; s < 4; ++s) {
      const __m512 raw = _mm512_maskz_loadu_ps(there(k_, at + 16 * s), x + at + 16 * s);
      const __m512 scaled = _mm512_mul_ps(raw, _mm512_set1_ps(multiplier[4 * s]));
      const __m512 bounded = _mm512_min_ps(limit, _mm512_max_ps(_mm512_sub_ps(_mm512_setzero_ps(), limit), scaled));
      v[s] = in_quad_order<split>(_mm512_cvtps_epi32(bounded));
    }
    return pack_quads(v);
  }

  /// The upper half of each dword holds the nearest bf16.
  static __m128i to_bf16(__m128i integers) {
    const __m128i bits = _mm_castps_si128(_mm_cvtepi32_ps(integers));
    const __m128i odd = _mm_and_si128(_mm_srli_epi32(bits, 16), _mm_set1_epi32(1));
    return _mm_add_epi32(bits, _mm_add_epi32(odd, _mm_set1_epi32(0x7FFF)));
  }
  static __m128i pair(__m128i low, __m128i high) {
    return _mm_or_si128(_mm_srli_epi32(low, 16), _mm_and_si128(high, _mm_set1_epi32(static_cast<int>(0xFFFF0000U))));
  }

  /// `sums`: (4 subgroups, 4 tokens) of q << shift.
  static void write_pairs(std::byte* record, bool second, __m512i sums) {
    const __m128i low = _mm_add_epi32(_mm512_castsi512_si128(sums), _mm512_extracti32x4_epi32(sums, 1));
    const __m128i high = _mm_add_epi32(_mm512_extracti32x4_epi32(sums, 2), _mm512_extracti32x4_epi32(sums, 3));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(record + kPairsOf32At), pair(to_bf16(low), to_bf16(high)));
    const __m128i whole = to_bf16(_mm_add_epi32(low, high));
    auto* at = reinterpret_cast<__m128i*>(record + kPairsOf64At - (second ? kShiftRecordBytes : 0));
    const __m128i first = second ? _mm_slli_epi32(_mm_loadu_si128(at), 16) : whole;
    _mm_storeu_si128(at, pair(first, second ? whole : _mm_setzero_si128()));
  }

  const Block block_;
  const int64_t k_;
  const SpanCut cut_;
  std::byte* const out_;
  const int64_t index_;
  const int64_t blocks_;
};

int64_t bytes(int64_t n, int64_t k) { return blocks_of(n) * (cut_into_spans(k).records * kShiftRecordBytes + 64); }

template <int cap, int zero_bits, bool split>
void round(const float* x, int64_t n, int64_t k, int64_t begin, int64_t end, std::byte* out) {
  const SpanCut cut = cut_into_spans(k);
  const int64_t blocks = blocks_of(n);
  auto* bases = reinterpret_cast<float*>(out + blocks * cut.records * kShiftRecordBytes);
  for (int64_t token = begin; token < end; token += kRoundedTokens) {
    const int64_t index = token / kRoundedTokens;
    const Block block(x, n, k, index);
    _mm_storeu_ps(bases + token, BlockRounding<cap, zero_bits, split>(block, k, cut, out, index, blocks).run());
  }
}

}  // namespace

const float* bases_of(const Activations& x, const SpanCut& cut) {
  return reinterpret_cast<const float*>(x.rounded + blocks_of(x.n) * cut.records * kShiftRecordBytes);
}

const Rounding kShifts14Zero8Split{"shifts14", bytes, round<14, 3, true>};
const Rounding kShifts14Zero8{"shifts14", bytes, round<14, 3, false>};
const Rounding kShifts14Zero16{"shifts14", bytes, round<14, 4, false>};
const Rounding kShifts14Zero32{"shifts14", bytes, round<14, 5, false>};
const Rounding kShifts10Zero128{"shifts10", bytes, round<10, 7, false>};

}  // namespace ifm::avx512
