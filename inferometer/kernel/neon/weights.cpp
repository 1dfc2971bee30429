#include "inferometer/kernel/neon/weights.h"

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

/// The blocks of 32 values that begin with f16 d and perhaps f16 m.
void block_scales(const std::byte* data, int64_t block_bytes, bool biased, int64_t begin, int64_t end, int64_t stride,
                  float* scales, float* biases) {
  for (int64_t c = begin; c < end; ++c) {
    scales[(c - begin) * stride] = one_f16(data + block_bytes * c);
    if (biased) biases[(c - begin) * stride] = one_f16(data + block_bytes * c + 2);
  }
}

/// Q4_K and Q5_K: eight 6-bit scales and minimums in 12 bytes. The low six bits of the first four bytes are the first four
/// scales, those of the next four the first four minimums; the last four have their low four bits in the last bytes.
void q45_k_scales(const std::byte* data, int64_t block_bytes, int64_t begin, int64_t end, int64_t stride, float* scales,
                  float* biases) {
  for (int64_t c = begin; c < end; ++c) {
    const std::byte* block = data + c / 8 * block_bytes;
    const auto* packed = reinterpret_cast<const uint8_t*>(block + 4);
    const int64_t i = c % 8;
    const bool early = i < 4;
    const int scale = early ? packed[i] & 63 : (packed[i + 4] & 15) | (packed[i - 4] >> 6 << 4);
    const int minimum = early ? packed[i + 4] & 63 : (packed[i + 4] >> 4) | (packed[i] >> 6 << 4);
    scales[(c - begin) * stride] = one_f16(block) * static_cast<float>(scale);
    biases[(c - begin) * stride] = -one_f16(block + 2) * static_cast<float>(minimum);
  }
}

}  // namespace

void row_scales(const WeightMatrix& w, int64_t row, int64_t begin, int64_t end, int64_t stride, float* scales, float* biases) {
  const std::byte* data = w.data + row * w.row_bytes;
  switch (w.packing) {
    case Packing::q4_0:
      return block_scales(data, 18, false, begin, end, stride, scales, biases);
    case Packing::q4_1:
      return block_scales(data, 20, true, begin, end, stride, scales, biases);
    case Packing::q5_0:
      return block_scales(data, 22, false, begin, end, stride, scales, biases);
    case Packing::q5_1:
      return block_scales(data, 24, true, begin, end, stride, scales, biases);
    case Packing::q8_0:
      return block_scales(data, 34, false, begin, end, stride, scales, biases);
    case Packing::q4_k:
      return q45_k_scales(data, 144, begin, end, stride, scales, biases);
    case Packing::q5_k:
      return q45_k_scales(data, 176, begin, end, stride, scales, biases);
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

}  // namespace ifm::neon
