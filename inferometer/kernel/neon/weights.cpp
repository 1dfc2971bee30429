#include "inferometer/kernel/neon/weights.h"

#include "inferometer/kernel/neon/neon.h"

namespace ifm::neon {
namespace {

float scale_at(const std::byte* scales, int64_t index, DType dtype) {
  if (dtype == DType::f16) return one_f16(scales + 2 * index);
  if (dtype == DType::bf16) return one_bf16(scales + 2 * index);
  return one_f32(scales + 4 * index);
}

void affine_scales(const WeightMatrix& w, int64_t row, int64_t begin, int64_t end, int64_t stride, float* scales, float* biases) {
  const float centre = w.packing == Packing::affine8 ? 128.0F : 0.0F;
  const int64_t chunks_per_group = w.group / 32;
  const int64_t first = row * (w.cols / w.group);
  int64_t c = begin;
  while (c < end) {
    const int64_t group = c / chunks_per_group;
    const float scale = scale_at(w.scales, first + group, w.scale_dtype);
    const float bias = scale_at(w.biases, first + group, w.scale_dtype) + centre * scale;
    for (; c < end && c < (group + 1) * chunks_per_group; ++c) {
      scales[(c - begin) * stride] = scale;
      biases[(c - begin) * stride] = bias;
    }
  }
}

template <Packing packing>
void expand(const std::byte* data, const float* scales, const float* biases, int64_t cols, float* out) {
  constexpr int kPerScale = 32 / kScales<packing>;
  for (int64_t c = 0; c < cols / 32; ++c) {
    const Chunk chunk = chunk_of<packing>(data, c);
    const int16x8_t wide[4] = {vmovl_s8(vget_low_s8(chunk.first)), vmovl_high_s8(chunk.first),
                               vmovl_s8(vget_low_s8(chunk.second)), vmovl_high_s8(chunk.second)};
    for (int i = 0; i < 8; ++i) {
      const int16x8_t eight = wide[i / 2];
      const float32x4_t q = vcvtq_f32_s32(i % 2 == 0 ? vmovl_s16(vget_low_s16(eight)) : vmovl_high_s16(eight));
      const float32x4_t scaled = vmulq_n_f32(q, scales[c * kScales<packing> + 4 * i / kPerScale]);
      vst1q_f32(out + 32 * c + 4 * i, kBiased<packing> ? vaddq_f32(scaled, vdupq_n_f32(biases[c])) : scaled);
    }
  }
}

}  // namespace

void row_scales(const WeightMatrix& w, int64_t row, int64_t begin, int64_t end, int64_t stride, float* scales, float* biases) {
  const std::byte* data = w.data + row * w.row_bytes;
  switch (w.packing) {
    case Packing::q4_0:
      for (int64_t c = begin; c < end; ++c) scales[(c - begin) * stride] = one_f16(data + 18 * c);
      break;
    case Packing::q4_1:
      for (int64_t c = begin; c < end; ++c) {
        scales[(c - begin) * stride] = one_f16(data + 20 * c);
        biases[(c - begin) * stride] = one_f16(data + 20 * c + 2);
      }
      break;
    case Packing::q8_0:
      for (int64_t c = begin; c < end; ++c) scales[(c - begin) * stride] = one_f16(data + 34 * c);
      break;
    case Packing::q6_k:
      for (int64_t s = 2 * begin; s < 2 * end; ++s) {
        const std::byte* block = data + s / 16 * 210;
        const auto scale = static_cast<float>(static_cast<int8_t>(block[192 + s % 16]));
        scales[(s - 2 * begin) * stride] = one_f16(block + 208) * scale;
      }
      break;
    default:
      affine_scales(w, row, begin, end, stride, scales, biases);
  }
}

void expand_row(const WeightMatrix& w, int64_t row, float* scratch, float* out) {
  const std::byte* data = w.data + row * w.row_bytes;
  float* biases = scratch + w.cols / 16;
  row_scales(w, row, 0, w.cols / 32, 1, scratch, biases);
  switch (w.packing) {
    case Packing::q4_0:
      return expand<Packing::q4_0>(data, scratch, biases, w.cols, out);
    case Packing::q4_1:
      return expand<Packing::q4_1>(data, scratch, biases, w.cols, out);
    case Packing::q8_0:
      return expand<Packing::q8_0>(data, scratch, biases, w.cols, out);
    case Packing::q6_k:
      return expand<Packing::q6_k>(data, scratch, biases, w.cols, out);
    case Packing::affine8:
      return expand<Packing::affine8>(data, scratch, biases, w.cols, out);
    default:
      return expand<Packing::affine4>(data, scratch, biases, w.cols, out);
  }
}

}  // namespace ifm::neon
