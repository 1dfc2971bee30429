#include "inferometer/kernel/isa_sets.h"
#include "inferometer/kernel/neon/panel.h"

namespace ifm {
namespace neon {
namespace {

/// Two rows by two tokens in a vector: row 0 with tokens 0 and 1, row 1 with tokens 0 and 1. Four pairs of rows by two of tokens.
using Dots = int32x4_t[4][2];
using Pairs = float32x4_t[4][2];

// What the loop calls must be part of it: as calls, the sums would go through memory.
/// 8 places of all tokens and rows.
[[gnu::always_inline]] inline void dot_eights(Dots& dots, const int8_t* bytes, const int8_t* from) {
  const int8x16_t x[2] = {vld1q_s8(from), vld1q_s8(from + 64)};
  for (int p = 0; p < 4; ++p) {
    const int8x16_t w = vld1q_s8(bytes + 16 * p);
    for (int q = 0; q < 2; ++q) dots[p][q] = vmmlaq_s32(dots[p][q], w, x[q]);
  }
}

/// Tokens' values for their pairs: t0 t1 t0 t1 and t2 t3 t2 t3.
void spread_tokens(const std::byte* from, float32x4_t (&out)[2]) {
  const float64x2_t four = vreinterpretq_f64_f32(load_f32(from));
  out[0] = vreinterpretq_f32_f64(vdupq_laneq_f64(four, 0));
  out[1] = vreinterpretq_f32_f64(vdupq_laneq_f64(four, 1));
}

/// Rows' values for their pairs: r0 r0 r1 r1 and so on.
void spread_rows(const float* from, float32x4_t (&out)[4]) {
  for (int h = 0; h < 2; ++h) {
    const float32x4_t four = vld1q_f32(from + 4 * h);
    out[2 * h] = vzip1q_f32(four, four);
    out[2 * h + 1] = vzip2q_f32(four, four);
  }
}

void to_pairs(const Sums& sums, Pairs& out) {
  for (int h = 0; h < 2; ++h) {
    for (int q = 0; q < 2; ++q) {
      out[2 * h][q] = vzip1q_f32(sums.of[2 * q][h], sums.of[2 * q + 1][h]);
      out[2 * h + 1][q] = vzip2q_f32(sums.of[2 * q][h], sums.of[2 * q + 1][h]);
    }
  }
}

void from_pairs(const Pairs& pairs, Sums& out) {
  for (int h = 0; h < 2; ++h) {
    for (int q = 0; q < 2; ++q) {
      out.of[2 * q][h] = vuzp1q_f32(pairs[2 * h][q], pairs[2 * h + 1][q]);
      out.of[2 * q + 1][h] = vuzp2q_f32(pairs[2 * h][q], pairs[2 * h + 1][q]);
    }
  }
}

struct Tile {
  static void interleave(const Chunk (&rows)[kPanelRows], int8_t* out) {
    for (int p = 0; p < 4; ++p) {
      const int8x16_t upper[2] = {rows[2 * p].first, rows[2 * p].second};
      const int8x16_t lower[2] = {rows[2 * p + 1].first, rows[2 * p + 1].second};
      for (int i = 0; i < 2; ++i) {
        const int64x2_t a = vreinterpretq_s64_s8(upper[i]);
        const int64x2_t b = vreinterpretq_s64_s8(lower[i]);
        vst1q_s8(out + 128 * i + 16 * p, vreinterpretq_s8_s64(vzip1q_s64(a, b)));
        vst1q_s8(out + 128 * i + 64 + 16 * p, vreinterpretq_s8_s64(vzip2q_s64(a, b)));
      }
    }
  }

  template <int Digits, int Scales, bool biased>
  static void add(const Panel& panel, int64_t chunks, const std::byte* x, Sums& sums) {
    Pairs pairs;
    to_pairs(sums, pairs);
    for (int64_t c = 0; c < chunks; ++c, x += kPrefillChunk<Digits>) {
      const std::byte* x_scales = x + 128 * Digits;
      float32x4_t x_scale[2];
      spread_tokens(x_scales, x_scale);
      for (int s = 0; s < Scales; ++s) {
        Dots dots;
        for (auto& pair : dots) pair[0] = pair[1] = vdupq_n_s32(0);
        for (int d = 0; d < Digits; ++d) {
          if (d > 0) {
            for (auto& pair : dots) {
              for (int32x4_t& dot : pair) dot = vshlq_n_s32(dot, 8);
            }
          }
          for (int i = s * 4 / Scales; i < (s + 1) * 4 / Scales; ++i) {
            dot_eights(dots, panel.bytes + c * 256 + 64 * i, reinterpret_cast<const int8_t*>(x) + 128 * d + 16 * i);
          }
        }
        float32x4_t scale[4];
        spread_rows(panel.scales + (c * Scales + s) * kPanelRows, scale);
        for (int p = 0; p < 4; ++p) {
          for (int q = 0; q < 2; ++q) {
            pairs[p][q] = vfmaq_f32(pairs[p][q], vcvtq_f32_s32(dots[p][q]), vmulq_f32(scale[p], x_scale[q]));
          }
        }
      }
      if constexpr (biased) {
        float32x4_t x_sum[2];
        float32x4_t bias[4];
        spread_tokens(x_scales + 16, x_sum);
        spread_rows(panel.biases + c * kPanelRows, bias);
        for (int p = 0; p < 4; ++p) {
          for (int q = 0; q < 2; ++q) pairs[p][q] = vfmaq_f32(pairs[p][q], bias[p], x_sum[q]);
        }
      }
    }
    from_pairs(pairs, sums);
  }
};

/// Decode's products come from the next set: one token uses half of a matrix instruction.
constexpr Kernels kKernels{
    .isa = "neon_i8mm",
    .fast_prefill = integer_products<PanelProducts<Tile, 1, kPrefillPairs>>(),
    .exact_prefill = integer_products<PanelProducts<Tile, 2, kPrefillPairs>>(),
};

}  // namespace
}  // namespace neon

const Kernels* neon_i8mm_kernels() { return &neon::kKernels; }

}  // namespace ifm
