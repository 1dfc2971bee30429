#include "inferometer/kernel/avx2/avx2.h"
#include "inferometer/kernel/avx2/decode.h"

// Weights of 8 bits where they lie, with inputs of 16 bits: inputs of 8 bits would cost as much.
namespace ifm::avx2 {
namespace {

int16_t load_i16(const std::byte* p) {
  int16_t value = 0;
  std::memcpy(&value, p, 2);
  return value;
}

/// q8_0: blocks of an f16 scale and 32 s8.
struct Blocks {
  static constexpr int64_t kBytes = 34;
  static constexpr int64_t kBytesAt = 2;
  static constexpr bool kSigned = true;
  static constexpr bool kBiases = false;

  /// Scales of 8 blocks from `block` on, of which `count` are there.
  static IFM_INLINE __m256 scales(const WeightMatrix&, const std::byte* row, int64_t, int64_t block, int64_t count) {
    const std::byte* from = row + kBytes * block;
    const auto at = [=](int64_t i) IFM_INLINE_LAMBDA { return i < count ? load_i16(from + kBytes * i) : int16_t{0}; };
    return _mm256_cvtph_ps(_mm_setr_epi16(at(0), at(1), at(2), at(3), at(4), at(5), at(6), at(7)));
  }
};

/// affine8: u8, and scales and biases of groups of G elsewhere.
template <int G>
struct Groups {
  static constexpr int64_t kBytes = 32;
  static constexpr int64_t kBytesAt = 0;
  static constexpr bool kSigned = false;
  static constexpr bool kBiases = true;
  static constexpr int kBlocks = G / 32;

  /// Numbers of the groups of 8 blocks of 32 from `block` on, of which `count` are there, one for each block.
  static IFM_INLINE __m256 numbers(const WeightMatrix& w, const std::byte* source, int64_t row, int64_t block, int64_t count) {
    const int64_t groups = w.cols / G;
    // Whole groups of 8 numbers where there are as many: blocks of a chunk need only the first of them.
    const int64_t first = block / kBlocks;
    const int64_t there = groups - first < 8 ? groups - first : 8;
    const __m256 each =
        G == 32 ? load_groups(w, source, row, groups, first, count) : load_groups(w, source, row, groups, first, there);
    const __m256i lane =
        _mm256_setr_epi32(0, 1 / kBlocks, 2 / kBlocks, 3 / kBlocks, 4 / kBlocks, 5 / kBlocks, 6 / kBlocks, 7 / kBlocks);
    return _mm256_permutevar8x32_ps(each, lane);
  }
  static IFM_INLINE __m256 scales(const WeightMatrix& w, const std::byte*, int64_t row, int64_t block, int64_t count) {
    return numbers(w, w.scales, row, block, count);
  }
  static IFM_INLINE __m256 biases(const WeightMatrix& w, int64_t row, int64_t block, int64_t count) {
    return numbers(w, w.biases, row, block, count);
  }
};

template <typename F>
IFM_INLINE __m256i load_words(const std::byte* bytes) {
  const __m128i sixteen = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes));
  return F::kSigned ? _mm256_cvtepi8_epi16(sixteen) : _mm256_cvtepu8_epi16(sixteen);
}

template <typename F, int R, int T>
IFM_INLINE void take_chunk(const WeightMatrix& w, const DecodeTile<Words, R, T>& tile, int64_t block, int64_t count,
                           RowSum (&sums)[R][T]) {
  alignas(32) float factors[R][T][8];  // of a block and a token
  unroll<R>([&](auto r) IFM_INLINE_LAMBDA {
    const __m256 scales = F::scales(w, tile.rows[r], tile.index[r], block, count);
    unroll<T>([&](auto t) IFM_INLINE_LAMBDA {
      _mm256_store_ps(factors[r][t], _mm256_mul_ps(scales, _mm256_loadu_ps(tile.x[t].scales + block)));
      if constexpr (F::kBiases) {
        add_biases(F::biases(w, tile.index[r], block, count), tile.x[t].sums + block, sums[r][t]);
      }
    });
  });
  for (int64_t b = 0; b < count; ++b) {
    __m256i low[R];
    __m256i high[R];
    unroll<R>([&](auto r) IFM_INLINE_LAMBDA {
      const std::byte* bytes = tile.rows[r] + (block + b) * F::kBytes + F::kBytesAt;
      low[r] = load_words<F>(bytes);
      high[r] = load_words<F>(bytes + 16);
    });
    unroll<T>([&](auto t) IFM_INLINE_LAMBDA {
      const int16_t* q = tile.x[t].q + (block + b) * 32;
      const __m256i x_low = load_once(q);
      const __m256i x_high = load_once(q + 16);
      unroll<R>([&](auto r) IFM_INLINE_LAMBDA {
        const __m256i dots = _mm256_add_epi32(_mm256_madd_epi16(low[r], x_low), _mm256_madd_epi16(high[r], x_high));
        __m256& lanes = sums[r][t].lanes;
        lanes = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dots), _mm256_broadcast_ss(factors[r][t] + b), lanes);
      });
    });
  }
}

template <typename F, int R, int T>
IFM_INLINE void take_rows(const WeightMatrix& w, const DecodeTile<Words, R, T>& tile, RowSum (&sums)[R][T]) {
  const int64_t blocks = w.cols / 32;
  int64_t block = 0;
  for (; block + 8 <= blocks; block += 8) take_chunk<F>(w, tile, block, 8, sums);
  if (block < blocks) take_chunk<F>(w, tile, block, blocks - block, sums);
}

template <typename F>
void all_tiles(const MatmulTask& task) {
  for_tiles<Words>(task, [&task](const auto& tile, auto& sums) IFM_INLINE_LAMBDA { take_rows<F>(*task.weights, tile, sums); });
}

}  // namespace

void decode_bytes(const MatmulTask& task) {
  const WeightMatrix& w = *task.weights;
  if (w.packing == Packing::q8_0) return all_tiles<Blocks>(task);
  if (w.group == 32) return all_tiles<Groups<32>>(task);
  if (w.group == 64) return all_tiles<Groups<64>>(task);
  all_tiles<Groups<128>>(task);
}

}  // namespace ifm::avx2
