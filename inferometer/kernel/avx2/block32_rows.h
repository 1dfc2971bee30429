#pragma once

#include "inferometer/kernel/avx2/decode.h"

// GGML's blocks of 32 with nibbles: two blocks a step. The low nibbles of 16 bytes are values 0 … 15, the high ones 16 … 31.
// Everything is static, as in vector.h.
namespace ifm::avx2 {

/// A block: f16 d, f16 m where `minimum`, 4 bytes of fifth bits where `fifth`, 16 bytes; w = d (q - centre) + m.
template <int64_t centre, bool minimum, bool fifth>
struct Form {
  static constexpr int64_t kCentre = centre;
  static constexpr bool kMinimum = minimum;
  static constexpr bool kFifth = fifth;
  static constexpr int64_t kFifthAt = minimum ? 4 : 2;
  static constexpr int64_t kPairsAt = kFifthAt + (fifth ? 4 : 0);
  static constexpr int64_t kBytes = kPairsAt + 16;
};

static inline int16_t load_i16(const std::byte* p) {
  int16_t value = 0;
  std::memcpy(&value, p, 2);
  return value;
}

/// The f16 number at the same place of 8 blocks, of which `count` are there.
template <typename F>
static IFM_INLINE __m256 load_numbers(const std::byte* block, int64_t count) {
  alignas(16) int16_t bits[8] = {};
  if (count < 8) {
    for (int64_t i = 0; i < count; ++i) bits[i] = load_i16(block + i * F::kBytes);
    return load_f16(bits);
  }
  const auto at = [block](int64_t i) { return load_i16(block + i * F::kBytes); };
  return _mm256_cvtph_ps(_mm_setr_epi16(at(0), at(1), at(2), at(3), at(4), at(5), at(6), at(7)));
}

static inline __m128i load16(const std::byte* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }

/// 16 in each byte of half h whose bit is set in the first (or last) 16 of the block's fifth bits.
static IFM_INLINE __m256i fifth_bits(int first_block, int second_block, int64_t first) {
  const __m256i both = _mm256_set_m128i(_mm_set1_epi32(second_block), _mm_set1_epi32(first_block));
  const __m256i order = first == 0
                            ? _mm256_setr_epi64x(0, 0x0101010101010101, 0, 0x0101010101010101)
                            : _mm256_setr_epi64x(0x0202020202020202, 0x0303030303030303, 0x0202020202020202, 0x0303030303030303);
  const __m256i bit = _mm256_set1_epi64x(static_cast<int64_t>(0x8040201008040201ULL));
  const __m256i chosen = _mm256_and_si256(_mm256_shuffle_epi8(both, order), bit);
  return _mm256_and_si256(_mm256_cmpeq_epi8(chosen, bit), _mm256_set1_epi8(16));
}

static inline int load_i32(const std::byte* p) {
  int value = 0;
  std::memcpy(&value, p, 4);
  return value;
}

/// Two blocks; the second of a step that is not whole is zeros.
template <typename F>
static IFM_INLINE RowStep load_step(const std::byte* at, __m256 scales, bool whole) {
  const __m256i low = _mm256_set1_epi8(15);
  const __m128i second = whole ? load16(at + F::kBytes + F::kPairsAt) : _mm_setzero_si128();
  const __m256i pairs = _mm256_set_m128i(second, load16(at + F::kPairsAt));
  RowStep step{_mm256_and_si256(pairs, low), _mm256_and_si256(_mm256_srli_epi16(pairs, 4), low), scales};
  if constexpr (F::kFifth) {
    const int bits[2] = {load_i32(at + F::kFifthAt), whole ? load_i32(at + F::kBytes + F::kFifthAt) : 0};
    step.first = _mm256_or_si256(step.first, fifth_bits(bits[0], bits[1], 0));
    step.last = _mm256_or_si256(step.last, fifth_bits(bits[0], bits[1], 2));
  }
  return step;
}

/// A chunk of 8 blocks, or with the last ones of a row.
template <typename F, typename X, int R, int T>
static IFM_INLINE void take_chunk(const DecodeTile<X, R, T>& tile, int64_t block, int64_t count, RowSum (&sums)[R][T]) {
  __m256 scales[R];  // of the even blocks, then of the odd ones
  unroll<R>([&](auto r) IFM_INLINE_LAMBDA {
    const std::byte* at = tile.rows[r] + block * F::kBytes;
    const __m256 scale = load_numbers<F>(at, count);
    const __m256 bias = F::kMinimum ? load_numbers<F>(at + 2, count) : _mm256_mul_ps(_mm256_set1_ps(-F::kCentre), scale);
    scales[r] = _mm256_permutevar8x32_ps(scale, _mm256_setr_epi32(0, 2, 4, 6, 1, 3, 5, 7));
    unroll<T>([&](auto t) IFM_INLINE_LAMBDA { add_biases(bias, tile.x[t].sums32 + block, sums[r][t]); });
  });
  unroll<4>([&](auto s) IFM_INLINE_LAMBDA {
    if (2 * s >= count) return;
    RowStep rows[R];
    unroll<R>([&](auto r) IFM_INLINE_LAMBDA {
      constexpr int kLane = decltype(s)::kValue * 0x55;  // lane s of each half, in all of its lanes
      const std::byte* at = tile.rows[r] + (block + 2 * s) * F::kBytes;
      rows[r] = load_step<F>(at, _mm256_permute_ps(scales[r], kLane), 2 * s + 2 <= count);
    });
    add_step(tile, block / 2 + s, rows, sums);
  });
}

template <typename F, typename X, int R, int T>
static IFM_INLINE void take_rows(const WeightMatrix& w, const DecodeTile<X, R, T>& tile, RowSum (&sums)[R][T]) {
  const int64_t blocks = w.cols / 32;
  int64_t block = 0;
  for (; block + 8 <= blocks; block += 8) take_chunk<F>(tile, block, 8, sums);
  if (block < blocks) take_chunk<F>(tile, block, blocks - block, sums);
}

template <typename F, typename X>
static void all_tiles(const MatmulTask& task) {
  for_tiles<X>(task, [&task](const auto& tile, auto& sums) IFM_INLINE_LAMBDA { take_rows<F>(*task.weights, tile, sums); });
}

template <typename X>
static void all_forms(const MatmulTask& task) {
  switch (task.weights->packing) {
    case Packing::q4_0:
      return all_tiles<Form<8, false, false>, X>(task);
    case Packing::q4_1:
      return all_tiles<Form<0, true, false>, X>(task);
    case Packing::q5_0:
      return all_tiles<Form<16, false, true>, X>(task);
    default:
      return all_tiles<Form<0, true, true>, X>(task);
  }
}

}  // namespace ifm::avx2
