#include "inferometer/kernel/avx512/prefill.h"

#include <immintrin.h>

#include "inferometer/kernel/avx512/panel.h"
#include "inferometer/kernel/avx512/shifts.h"

extern "C" {
using IfmTile = void(const uint8_t* weights, const float* scales, const uint32_t* biases, const std::byte* records, int64_t count,
                     float* sums);
IfmTile ifm_tile_g64b, ifm_tile_g32b, ifm_tile_g32, ifm_tile_g16;
}

// A panel of 32 rows meets all tokens: span by span of k its weights are unpacked into the L1 cache, and every block of 4 tokens
// passes by. The blocks' sums wait in the L2 cache between spans.
namespace ifm::avx512 {
namespace {

using Unpack = void(const PanelRows& rows, int64_t begin, int64_t end, const Panel& panel);

constexpr int64_t kBlockSums = 4 * kPanelRows;

/// Sums times the tokens' bases, to where they belong.
void write_block(const MatmulTask& task, const float* sums, const float* bases, int64_t row, int64_t token) {
  const int64_t rows = task.row_end - row;
  for (int64_t t = 0; t < 4 && token + t < task.token_end; ++t) {
    const __m512 base = _mm512_set1_ps(bases[token + t]);
    float* out = task.out + (token + t) * task.out_stride + row;
    for (int64_t v = 0; v < 2; ++v) {
      const int64_t left = rows - 16 * v;
      const auto mask = static_cast<__mmask16>(left >= 16 ? 0xFFFF : (left > 0 ? (1 << left) - 1 : 0));
      _mm512_mask_storeu_ps(out + 16 * v, mask, _mm512_mul_ps(base, _mm512_load_ps(sums + 32 * t + 16 * v)));
    }
  }
}

void multiply_panel(const MatmulTask& task, int64_t row, Unpack* unpack, IfmTile* tile) {
  const SpanCut cut = cut_into_spans(task.weights->cols);
  const float* bases = bases_of(*task.x, cut);
  auto* memory = static_cast<std::byte*>(task.scratch);
  const Panel panel = panel_in(memory);
  auto* all_sums = reinterpret_cast<float*>(memory + panel_bytes());
  const PanelRows rows(*task.weights, row, task.row_end);
  const int64_t first_block = task.token_begin / kRoundedTokens;
  for (int64_t span = 0; span < cut.spans; ++span) {
    const int64_t begin = cut.begin(span);
    const int64_t end = cut.begin(span + 1);
    unpack(rows, begin, end, panel);
    for (int64_t block = first_block; block * kRoundedTokens < task.token_end; ++block) {
      float* sums = all_sums + (block - first_block) * kBlockSums;
      if (span == 0) {
        for (int64_t i = 0; i < kBlockSums; i += 16) _mm512_store_ps(sums + i, _mm512_setzero_ps());
      }
      tile(panel.weights, panel.scales, panel.biases, records_of(*task.x, cut, span, block), end - begin, sums);
      if (span + 1 == cut.spans) write_block(task, sums, bases, row, block * kRoundedTokens);
    }
  }
}

void multiply(const MatmulTask& task, Unpack* unpack, IfmTile* tile) {
  for (int64_t row = task.row_begin; row < task.row_end; row += kPanelRows) multiply_panel(task, row, unpack, tile);
}

}  // namespace

void prefill_affine4(const MatmulTask& task) {
  multiply(task, unpack_affine4, task.weights->group == 32 ? ifm_tile_g32b : ifm_tile_g64b);
}

}  // namespace ifm::avx512
