#include "inferometer/kernel/avx2/prefill.h"

#include "inferometer/kernel/avx2/avx2.h"
#include "inferometer/kernel/avx2/panel.h"
#include "inferometer/kernel/avx2/records.h"
#include "inferometer/kernel/avx2/vector.h"

// A panel of 32 rows meets all tokens: span by span of k its weights are decoded into the L1 cache, and every block of 4 tokens
// passes by. The blocks' sums wait in the L2 cache between spans.
namespace ifm::avx2 {
namespace {

constexpr int64_t kStrips = kMatmulRows / kStripRows;
constexpr int64_t kBlockSums = kRoundedTokens * kStripRows;

/// What differs between the ways of multiplying.
struct Way {
  decltype(decode_narrow)* decode;
  decltype(narrow_records)* records;
  int64_t span;  // columns at most
  int64_t group_bytes, group_scales;
};
constexpr Way kNarrow{decode_narrow, narrow_records, kMostSpan, kNarrowGroupBytes, kNarrowGroupScales};
constexpr Way kWide{decode_wide, wide_records, kMostSpan / 2, kWideGroupBytes, kWideGroupScales};

constexpr bool fits(const Way& way) { return kStrips * way.span / 32 * (way.group_bytes + 4 * way.group_scales) <= kPanelBytes; }
static_assert(fits(kNarrow) && fits(kWide));

/// How k columns are cut into spans of whole blocks.
struct Spans {
  int64_t unit, units, count;
  [[nodiscard]] int64_t begin(int64_t span) const { return units * span / count * unit; }
};

Spans cut(const WeightMatrix& w, int64_t most) {
  const int64_t unit = has_super_blocks(w.packing) ? 256 : 32;
  return {unit, w.cols / unit, (w.cols / unit + most / unit - 1) / (most / unit)};
}

/// Sums times the tokens' bases (null: 1), to where they belong.
void write_block(const MatmulTask& task, const float* sums, const float* bases, int64_t row, int64_t token) {
  for (int64_t t = 0; t < kRoundedTokens && token + t < task.token_end; ++t) {
    const __m256 base = _mm256_set1_ps(bases == nullptr ? 1.0F : bases[token + t]);
    float* out = task.out + (token + t) * task.out_stride + row;
    if (task.row_end - row >= kStripRows && reinterpret_cast<uintptr_t>(out) % 32 == 0) {
      // Past the caches: the next product comes when they hold other things.
      for (int64_t v = 0; v < kStripRows; v += 8) {
        _mm256_stream_ps(out + v, _mm256_mul_ps(base, _mm256_load_ps(sums + t * kStripRows + v)));
      }
      continue;
    }
    for (int64_t v = 0; v < kStripRows && row + v < task.row_end; v += 8) {
      const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
      const __m256i there = _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(task.row_end - row - v)), lane);
      const __m256 y = _mm256_mul_ps(base, _mm256_load_ps(sums + t * kStripRows + v));
      _mm256_maskstore_ps(out + v, there, y);
    }
  }
}

void multiply_panel(const MatmulTask& task, int64_t row, const Way& way, IfmTile* tile, const float* bases) {
  const Spans spans = cut(*task.weights, way.span);
  const int64_t strips = task.row_end - row > kStripRows ? kStrips : 1;
  auto* memory = static_cast<std::byte*>(task.scratch);
  Strip strip[kStrips];
  for (Strip& s : strip) {
    s = {reinterpret_cast<uint8_t*>(memory), reinterpret_cast<float*>(memory + way.span / 32 * way.group_bytes)};
    memory += way.span / 32 * (way.group_bytes + 4 * way.group_scales);
  }
  auto* all_sums = reinterpret_cast<float*>(memory);
  const int64_t first_block = task.token_begin / kRoundedTokens;
  for (int64_t span = 0; span < spans.count; ++span) {
    const int64_t begin = spans.begin(span);
    const int64_t count = spans.begin(span + 1) - begin;
    for (int64_t s = 0; s < strips; ++s) {
      way.decode(*task.weights, row + s * kStripRows, task.row_end, begin, count, strip[s]);
    }
    for (int64_t block = first_block; block * kRoundedTokens < task.token_end; ++block) {
      const std::byte* records = way.records(*task.x, block, begin);
      for (int64_t s = 0; s < strips; ++s) {
        float* sums = all_sums + ((block - first_block) * kStrips + s) * kBlockSums;
        for (int64_t i = 0; span == 0 && i < kBlockSums; i += 8) _mm256_store_ps(sums + i, _mm256_setzero_ps());
        tile(strip[s].weights, strip[s].scales, records, count / 32, sums);
        if (span + 1 == spans.count) write_block(task, sums, bases, row + s * kStripRows, block * kRoundedTokens);
      }
    }
  }
}

void multiply(const MatmulTask& task, const Way& way, IfmTile* tile, const float* bases) {
  for (int64_t row = task.row_begin; row < task.row_end; row += kMatmulRows) multiply_panel(task, row, way, tile, bases);
  _mm_sfence();  // stores past the caches are seen by the thread that is told next
}

}  // namespace

void prefill_narrow_with(const MatmulTask& task, IfmTile* tile) { multiply(task, kNarrow, tile, narrow_bases(*task.x)); }
void prefill_narrow(const MatmulTask& task) { prefill_narrow_with(task, ifm_avx2_narrow); }

void prefill_wide_with(const MatmulTask& task, IfmTile* tile, IfmTile* sixteens) {
  multiply(task, kWide, task.weights->packing == Packing::q6_k ? sixteens : tile, nullptr);
}
void prefill_wide(const MatmulTask& task) { prefill_wide_with(task, ifm_avx2_wide, ifm_avx2_wide_sixteens); }

}  // namespace ifm::avx2
