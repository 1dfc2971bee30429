#pragma once

#include "inferometer/kernel/neon/rounding.h"
#include "inferometer/kernel/neon/weights.h"

// Products of many tokens: eight rows are decoded once, in spans that stay in the first cache, and then meet four tokens at a
// time. What differs by instruction set is a Tile:
//   static void interleave(const Chunk (&rows)[8], int8_t* out): 256 bytes, as the tile wants to read them
//   template <int Digits, int Scales, bool biased> static void add(const Panel&, int64_t chunks, const std::byte* x, Sums&)
namespace ifm::neon {

inline constexpr int64_t kPanelRows = 8;
/// Inputs that a panel spans; whole super-blocks and groups.
inline constexpr int64_t kPanelSpan = 2048;

/// Tokens of a task: their inputs stay in the second cache while the panels pass.
inline constexpr int64_t kPanelTokens = 128;

/// Eight rows' weights of a span, and their scales and biases as (chunk or half of one, 8) and (chunk, 8).
struct Panel {
  int8_t* bytes;
  float* scales;
  float* biases;
};

/// Sums of four tokens by eight rows, in halves of four rows.
struct Sums {
  float32x4_t of[4][2];
};

static inline Panel panel_in(void* scratch, int64_t k) {
  const int64_t span = k < kPanelSpan ? k : kPanelSpan;
  auto* bytes = static_cast<int8_t*>(scratch);
  auto* scales = reinterpret_cast<float*>(bytes + kPanelRows * span);
  return {bytes, scales, scales + kPanelRows * span / 16};
}

/// Rows past `rows` repeat the last one; their sums are not stored.
template <class Tile, Packing packing>
static void fill_panel(const WeightMatrix& w, int64_t row, int64_t rows, int64_t begin, int64_t end, const Panel& panel) {
  const std::byte* data[kPanelRows];
  for (int64_t r = 0; r < kPanelRows; ++r) {
    const int64_t from = row + (r < rows ? r : rows - 1);
    data[r] = w.data + from * w.row_bytes;
    row_scales(w, from, begin, end, kPanelRows, panel.scales + r, panel.biases + r);
  }
  for (int64_t c = begin; c < end; ++c) {
    Chunk chunks[kPanelRows];
    for (int64_t r = 0; r < kPanelRows; ++r) chunks[r] = chunk_of<packing>(data[r], c);
    Tile::interleave(chunks, panel.bytes + (c - begin) * 32 * kPanelRows);
  }
}

/// out: of the first token and row.
static inline Sums load_sums(const float* out, int64_t stride, int64_t tokens, int64_t rows) {
  Sums sums;
  for (int64_t t = 0; t < 4; ++t) {
    alignas(16) float row[kPanelRows] = {};
    if (t < tokens) std::memcpy(row, out + t * stride, static_cast<unsigned long>(4 * rows));
    for (int64_t h = 0; h < 2; ++h) sums.of[t][h] = vld1q_f32(row + 4 * h);
  }
  return sums;
}

static inline void store_sums(const Sums& sums, float* out, int64_t stride, int64_t tokens, int64_t rows) {
  for (int64_t t = 0; t < 4; ++t) {
    alignas(16) float row[kPanelRows];
    for (int64_t h = 0; h < 2; ++h) vst1q_f32(row + 4 * h, sums.of[t][h]);
    if (t < tokens) std::memcpy(out + t * stride, row, static_cast<unsigned long>(4 * rows));
  }
}

template <class Tile, Packing packing, int Digits>
static void multiply_panels(const MatmulTask& task) {
  const WeightMatrix& w = *task.weights;
  const Panel panel = panel_in(task.scratch, w.cols);
  for (int64_t row = task.row_begin; row < task.row_end; row += kPanelRows) {
    const int64_t rows = task.row_end - row < kPanelRows ? task.row_end - row : kPanelRows;
    for (int64_t begin = 0; begin < w.cols / 32; begin += kPanelSpan / 32) {
      const int64_t end = w.cols / 32 - begin < kPanelSpan / 32 ? w.cols / 32 : begin + kPanelSpan / 32;
      fill_panel<Tile, packing>(w, row, rows, begin, end, panel);
      for (int64_t t = task.token_begin; t < task.token_end; t += 4) {
        const int64_t tokens = task.token_end - t < 4 ? task.token_end - t : 4;
        float* out = task.out + t * task.out_stride + row;
        Sums sums = load_sums(out, task.out_stride, begin == 0 ? 0 : tokens, rows);
        const std::byte* x = task.x->rounded + t / 4 * prefill_stretch<Digits>(w.cols) + begin * kPrefillChunk<Digits>;
        Tile::template add<Digits, kScales<packing>, kBiased<packing>>(panel, end - begin, x, sums);
        store_sums(sums, out, task.out_stride, tokens, rows);
      }
    }
  }
}

/// Products of panels; roundings by digits less one.
template <class Tile, int Digits, const Rounding (&roundings)[2]>
struct PanelProducts {
  template <Packing packing>
  static constexpr Product product() {
    return {roundings + (Digits - 1), multiply_panels<Tile, packing, Digits>, kPanelTokens};
  }
};

}  // namespace ifm::neon
