#include "inferometer/kernel/neon/dotprod/dotprod.h"
#include "inferometer/kernel/neon/panel.h"

namespace ifm::neon {
namespace {

/// Four rows' 16 bytes as four vectors, each with the same four places of every row.
void transpose_fours(const int8x16_t (&rows)[4], int8_t* out) {
  const int32x4_t a = vreinterpretq_s32_s8(rows[0]);
  const int32x4_t b = vreinterpretq_s32_s8(rows[1]);
  const int32x4_t c = vreinterpretq_s32_s8(rows[2]);
  const int32x4_t d = vreinterpretq_s32_s8(rows[3]);
  const int64x2_t ab[2] = {vreinterpretq_s64_s32(vtrn1q_s32(a, b)), vreinterpretq_s64_s32(vtrn2q_s32(a, b))};
  const int64x2_t cd[2] = {vreinterpretq_s64_s32(vtrn1q_s32(c, d)), vreinterpretq_s64_s32(vtrn2q_s32(c, d))};
  for (int i = 0; i < 2; ++i) {
    vst1q_s8(out + 32 * i, vreinterpretq_s8_s64(vtrn1q_s64(ab[i], cd[i])));
    vst1q_s8(out + 32 * (i + 2), vreinterpretq_s8_s64(vtrn2q_s64(ab[i], cd[i])));
  }
}

using Dots = int32x4_t[4][2];  // four tokens by eight rows

// What the loop calls must be part of it: as calls, the sums would go through memory.
/// The four places `Lane` of token T's 16 bytes, times eight rows.
template <int Lane, int T>
[[gnu::always_inline]] inline void dot_token(Dots& dots, const int8x16_t (&w)[2], const int8x16_t (&x)[4]) {
  dots[T][0] = vdotq_laneq_s32(dots[T][0], w[0], x[T], Lane);
  dots[T][1] = vdotq_laneq_s32(dots[T][1], w[1], x[T], Lane);
}

template <int Lane>
[[gnu::always_inline]] inline void dot_fours(Dots& dots, const int8_t* bytes, const int8x16_t (&x)[4]) {
  const int8x16_t w[2] = {vld1q_s8(bytes + 32 * Lane), vld1q_s8(bytes + 32 * Lane + 16)};
  dot_token<Lane, 0>(dots, w, x);
  dot_token<Lane, 1>(dots, w, x);
  dot_token<Lane, 2>(dots, w, x);
  dot_token<Lane, 3>(dots, w, x);
}

/// 16 places of all tokens and rows.
[[gnu::always_inline]] inline void dot_sixteens(Dots& dots, const int8_t* bytes, const std::byte* from) {
  int8x16_t x[4];
  for (int t = 0; t < 4; ++t) x[t] = vld1q_s8(reinterpret_cast<const int8_t*>(from + 32 * t));
  dot_fours<0>(dots, bytes, x);
  dot_fours<1>(dots, bytes, x);
  dot_fours<2>(dots, bytes, x);
  dot_fours<3>(dots, bytes, x);
}

/// sums += dots * the rows' scales * the token's.
template <int T>
[[gnu::always_inline]] inline void add_token(Sums& sums, const Dots& dots, const float32x4_t (&scale)[2], float32x4_t x_scale) {
  for (int h = 0; h < 2; ++h) {
    sums.of[T][h] = vfmaq_f32(sums.of[T][h], vcvtq_f32_s32(dots[T][h]), vmulq_laneq_f32(scale[h], x_scale, T));
  }
}

template <int T>
[[gnu::always_inline]] inline void add_bias(Sums& sums, const float32x4_t (&bias)[2], float32x4_t x_sum) {
  for (int h = 0; h < 2; ++h) sums.of[T][h] = vfmaq_laneq_f32(sums.of[T][h], bias[h], x_sum, T);
}

struct Tile {
  static void interleave(const Chunk (&rows)[kPanelRows], int8_t* out) {
    for (int h = 0; h < 2; ++h) {
      const Chunk* r = rows + 4 * h;
      transpose_fours({r[0].first, r[1].first, r[2].first, r[3].first}, out + 16 * h);
      transpose_fours({r[0].second, r[1].second, r[2].second, r[3].second}, out + 128 + 16 * h);
    }
  }

  template <int Digits, int Scales, bool biased>
  static void add(const Panel& panel, int64_t chunks, const std::byte* x, Sums& sums) {
    for (int64_t c = 0; c < chunks; ++c, x += kPrefillChunk<Digits>) {
      const std::byte* x_scales = x + 128 * Digits;
      const float32x4_t x_scale = load_f32(x_scales);
      for (int s = 0; s < Scales; ++s) {
        Dots dots;
        for (auto& token : dots) token[0] = token[1] = vdupq_n_s32(0);
        for (int d = 0; d < Digits; ++d) {
          if (d > 0) {
            for (auto& token : dots) {
              for (int32x4_t& dot : token) dot = vshlq_n_s32(dot, 8);
            }
          }
          for (int i = s; i < 2; i += Scales) dot_sixteens(dots, panel.bytes + c * 256 + 128 * i, x + 128 * d + 16 * i);
        }
        const float* scales = panel.scales + (c * Scales + s) * kPanelRows;
        const float32x4_t scale[2] = {vld1q_f32(scales), vld1q_f32(scales + 4)};
        add_token<0>(sums, dots, scale, x_scale);
        add_token<1>(sums, dots, scale, x_scale);
        add_token<2>(sums, dots, scale, x_scale);
        add_token<3>(sums, dots, scale, x_scale);
      }
      if constexpr (biased) {
        const float32x4_t x_sum = load_f32(x_scales + 16);
        const float32x4_t bias[2] = {vld1q_f32(panel.biases + c * kPanelRows), vld1q_f32(panel.biases + c * kPanelRows + 4)};
        add_bias<0>(sums, bias, x_sum);
        add_bias<1>(sums, bias, x_sum);
        add_bias<2>(sums, bias, x_sum);
        add_bias<3>(sums, bias, x_sum);
      }
    }
  }
};

}  // namespace

constexpr ProductTable kPrefillProducts[2] = {integer_products<PanelProducts<Tile, 1, kPrefillInOrder>>(),
                                              integer_products<PanelProducts<Tile, 2, kPrefillInOrder>>()};

}  // namespace ifm::neon
