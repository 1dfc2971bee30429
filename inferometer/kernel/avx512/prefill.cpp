#include "inferometer/kernel/avx512/prefill.h"

#include <immintrin.h>

#include "inferometer/kernel/avx512/digit_records.h"
#include "inferometer/kernel/avx512/panel.h"
#include "inferometer/kernel/avx512/shifts.h"

extern "C" {
using IfmShiftTile = void(const uint8_t* weights, const float* scales, const uint32_t* pairs, const std::byte* records,
                          int64_t count, float* sums);
using IfmDigitTile = void(const uint8_t* weights, const float* scales, const float* offsets, const std::byte* records,
                          int64_t count, float* sums);
IfmShiftTile ifm_shift_tile_g64b, ifm_shift_tile_g32b, ifm_shift_tile_g32, ifm_shift_tile_g16;
IfmDigitTile ifm_digit_tile_g64b, ifm_digit_tile_g32b, ifm_digit_tile_g32, ifm_digit_tile_g16;
}

// A panel of 32 rows meets all tokens: span by span of k its weights are unpacked into the L1 cache, and every block of 4 tokens
// passes by. The blocks' sums wait in the L2 cache between spans.
namespace ifm::avx512 {
namespace {

constexpr int64_t kBlockSums = 4 * kPanelRows;

/// A block's sums times its tokens' bases (1 without), to where they belong.
void write_block(const MatmulTask& task, const float* sums, const float* bases, int64_t row, int64_t token) {
  const int64_t rows = task.row_end - row;
  for (int64_t t = 0; t < 4 && token + t < task.token_end; ++t) {
    const __m512 base = _mm512_set1_ps(bases == nullptr ? 1.0F : bases[token + t]);
    float* out = task.out + (token + t) * task.out_stride + row;
    if (rows >= kPanelRows && reinterpret_cast<uintptr_t>(out) % 64 == 0) {
      // Past the caches: the next product comes when they hold other things.
      _mm512_stream_ps(out, _mm512_mul_ps(base, _mm512_load_ps(sums + 32 * t)));
      _mm512_stream_ps(out + 16, _mm512_mul_ps(base, _mm512_load_ps(sums + 32 * t + 16)));
      continue;
    }
    for (int64_t v = 0; v < 2; ++v) {
      _mm512_mask_storeu_ps(out + 16 * v, first_lanes(rows - 16 * v),
                            _mm512_mul_ps(base, _mm512_load_ps(sums + 32 * t + 16 * v)));
    }
  }
}

/// What the two kinds of inputs do differently.
struct Shifts {
  IfmShiftTile* tile;
  int64_t groups_per_record;
  bool has_offsets;
  static constexpr int64_t kRecordBytes = kShiftRecordBytes;

  void prepare(const Panel& panel, int64_t records) const {
    if (has_offsets) pair_offsets(panel, groups_per_record * records);
  }
  void multiply(const Panel& panel, const std::byte* records, int64_t count, float* sums) const {
    tile(panel.weights, panel.scales, panel.pairs, records, count, sums);
  }
  [[nodiscard]] static const float* bases(const Activations& x, const SpanCut& cut) { return bases_of(x, cut); }
};
struct Digits16 {
  IfmDigitTile* tile;
  static constexpr int64_t kRecordBytes = kDigitRecordBytes;

  void prepare(const Panel&, int64_t) const {}
  void multiply(const Panel& panel, const std::byte* records, int64_t count, float* sums) const {
    tile(panel.weights, panel.scales, panel.offsets, records, count, sums);
  }
  [[nodiscard]] static const float* bases(const Activations&, const SpanCut&) { return nullptr; }
};

/// Brings the packed bytes of a span of 32 rows into the L2 cache, a part with each block of tokens.
class Fetch {
 public:
  /// The span after `span` of the panel at `row`, or the first one of the next panel; `blocks` calls of some() fetch it.
  Fetch(const MatmulTask& task, const SpanCut& cut, int64_t row, int64_t span, int64_t blocks) {
    const WeightMatrix& w = *task.weights;
    const bool same_panel = span + 1 < cut.spans;
    const int64_t from = same_panel ? row : row + kPanelRows;
    if (from >= task.row_end) return;
    rows_ = task.row_end - from < kPanelRows ? task.row_end - from : kPanelRows;
    const int64_t next = same_panel ? span + 1 : 0;
    const int64_t begin = w.row_bytes * cut.begin(next) / cut.records;
    lines_ = (w.row_bytes * cut.begin(next + 1) / cut.records - begin + 127) / 64;
    data_ = w.data + from * w.row_bytes + begin;
    row_bytes_ = w.row_bytes;
    per_block_ = (rows_ * lines_ + blocks - 1) / blocks;
  }
  void some() {
    for (int64_t i = 0; i < per_block_ && rows_ > 0; ++i) {
      _mm_prefetch(reinterpret_cast<const char*>(data_ + line_ * 64), _MM_HINT_T1);
      if (++line_ < lines_) continue;
      line_ = 0;
      data_ += row_bytes_;
      --rows_;
    }
  }

 private:
  const std::byte* data_ = nullptr;  // of the next row to fetch
  int64_t rows_ = 0;                 // that are left
  int64_t line_ = 0, lines_ = 0, row_bytes_ = 0, per_block_ = 0;
};

template <typename Inputs>
void multiply_panel(const MatmulTask& task, int64_t row, Unpack* unpack, const Inputs& inputs) {
  const SpanCut cut = cut_into_spans(task.weights->cols);
  const float* bases = Inputs::bases(*task.x, cut);
  auto* memory = static_cast<std::byte*>(task.scratch);
  const Panel panel = panel_in(memory);
  auto* all_sums = reinterpret_cast<float*>(memory + panel_bytes());
  const PanelRows rows(*task.weights, row, task.row_end);
  const int64_t first_block = task.token_begin / kRoundedTokens;
  for (int64_t span = 0; span < cut.spans; ++span) {
    const int64_t begin = cut.begin(span);
    const int64_t end = cut.begin(span + 1);
    unpack(rows, begin, end, panel);
    inputs.prepare(panel, end - begin);
    Fetch fetch(task, cut, row, span, (task.token_end + kRoundedTokens - 1) / kRoundedTokens - first_block);
    for (int64_t block = first_block; block * kRoundedTokens < task.token_end; ++block) {
      float* sums = all_sums + (block - first_block) * kBlockSums;
      if (span == 0) {
        for (int64_t i = 0; i < kBlockSums; i += 16) _mm512_store_ps(sums + i, _mm512_setzero_ps());
      }
      fetch.some();
      inputs.multiply(panel, records_of(*task.x, cut, Inputs::kRecordBytes, span, block), end - begin, sums);
      if (span + 1 == cut.spans) write_block(task, sums, bases, row, block * kRoundedTokens);
    }
  }
}

template <typename Inputs>
void multiply(const MatmulTask& task, Unpack* unpack, const Inputs& inputs) {
  for (int64_t row = task.row_begin; row < task.row_end; row += kPanelRows) multiply_panel(task, row, unpack, inputs);
  _mm_sfence();  // stores past the caches are seen by the thread that is told next
}

/// How a packing is unpacked, and its groups.
struct Layout {
  Unpack* unpack;
  int group;
  bool has_offsets;
};
constexpr Layout layout_of(Packing packing, int group) {
  switch (packing) {
    case Packing::affine4:
      return {unpack_affine4, group == 32 ? 32 : 64, true};
    case Packing::affine8:
      return {unpack_affine8, group == 32 ? 32 : 64, true};
    case Packing::q4_0:
      return {unpack_q4_0, 32, false};
    case Packing::q4_1:
      return {unpack_q4_1, 32, true};
    case Packing::q5_0:
      return {unpack_q5_0, 32, false};
    case Packing::q5_1:
      return {unpack_q5_1, 32, true};
    case Packing::q8_0:
      return {unpack_q8_0, 32, false};
    case Packing::q4_k:
      return {unpack_q4_k, 32, true};
    case Packing::q5_k:
      return {unpack_q5_k, 32, true};
    case Packing::q6_k:
      return {unpack_q6_k, 16, false};
    default:
      return {};
  }
}

Shifts shifts_for(const Layout& layout) {
  if (layout.group == 64) return {ifm_shift_tile_g64b, 1, true};
  if (layout.group == 16) return {ifm_shift_tile_g16, 4, false};
  return {layout.has_offsets ? ifm_shift_tile_g32b : ifm_shift_tile_g32, 2, layout.has_offsets};
}
Digits16 digits_for(const Layout& layout) {
  if (layout.group == 64) return {ifm_digit_tile_g64b};
  if (layout.group == 16) return {ifm_digit_tile_g16};
  return {layout.has_offsets ? ifm_digit_tile_g32b : ifm_digit_tile_g32};
}

}  // namespace

template <Packing packing>
void prefill(const MatmulTask& task) {
  const Layout layout = layout_of(packing, task.weights->group);
  multiply(task, layout.unpack, shifts_for(layout));
}

template <Packing packing>
void prefill_exact(const MatmulTask& task) {
  const Layout layout = layout_of(packing, task.weights->group);
  multiply(task, layout.unpack, digits_for(layout));
}

template void prefill<Packing::affine4>(const MatmulTask& task);
template void prefill_exact<Packing::affine4>(const MatmulTask& task);
template void prefill<Packing::affine8>(const MatmulTask& task);
template void prefill_exact<Packing::affine8>(const MatmulTask& task);
template void prefill<Packing::q4_0>(const MatmulTask& task);
template void prefill_exact<Packing::q4_0>(const MatmulTask& task);
template void prefill<Packing::q4_1>(const MatmulTask& task);
template void prefill_exact<Packing::q4_1>(const MatmulTask& task);
template void prefill<Packing::q5_0>(const MatmulTask& task);
template void prefill_exact<Packing::q5_0>(const MatmulTask& task);
template void prefill<Packing::q5_1>(const MatmulTask& task);
template void prefill_exact<Packing::q5_1>(const MatmulTask& task);
template void prefill<Packing::q8_0>(const MatmulTask& task);
template void prefill_exact<Packing::q8_0>(const MatmulTask& task);
template void prefill<Packing::q4_k>(const MatmulTask& task);
template void prefill_exact<Packing::q4_k>(const MatmulTask& task);
template void prefill<Packing::q5_k>(const MatmulTask& task);
template void prefill_exact<Packing::q5_k>(const MatmulTask& task);
template void prefill<Packing::q6_k>(const MatmulTask& task);
template void prefill_exact<Packing::q6_k>(const MatmulTask& task);

}  // namespace ifm::avx512
