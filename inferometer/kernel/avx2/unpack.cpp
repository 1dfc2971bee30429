#include "inferometer/kernel/avx2/avx2.h"
#include "inferometer/kernel/avx2/vector.h"

namespace ifm::avx2 {
namespace {

void unpack_plain(const WeightMatrix& w, const std::byte* data, float* out) {
  const int64_t size = w.packing == Packing::f32 ? 4 : 2;
  int64_t i = 0;
  for (; i + 8 <= w.cols; i += 8) {
    const std::byte* from = data + i * size;
    const __m256 v = w.packing == Packing::f32   ? _mm256_loadu_ps(reinterpret_cast<const float*>(from))
                     : w.packing == Packing::f16 ? load_f16(from)
                                                 : load_bf16(from);
    _mm256_storeu_ps(out + i, v);
  }
  if (i == w.cols) return;
  alignas(32) unsigned char tail[32] = {};
  std::memcpy(tail, data + i * size, static_cast<unsigned long>((w.cols - i) * size));
  const __m256 v = w.packing == Packing::f32   ? _mm256_load_ps(reinterpret_cast<const float*>(tail))
                   : w.packing == Packing::f16 ? load_f16(tail)
                                               : load_bf16(tail);
  _mm256_storeu_ps(out + i, v);
}

void unpack_affine(const WeightMatrix& w, int64_t row, const std::byte* data, float* out) {
  const __m256i shifts = _mm256_setr_epi32(0, 4, 8, 12, 16, 20, 24, 28);
  for (int64_t group = 0; group < w.cols / w.group; ++group) {
    const int64_t at = row * (w.cols / w.group) + group;
    float scale = 0;
    float bias = 0;
    if (w.scale_dtype == DType::f32) {
      std::memcpy(&scale, w.scales + 4 * at, 4);
      std::memcpy(&bias, w.biases + 4 * at, 4);
    } else if (w.scale_dtype == DType::f16) {
      scale = one_f16(w.scales + 2 * at);
      bias = one_f16(w.biases + 2 * at);
    } else {
      uint16_t bits[2] = {};
      std::memcpy(&bits[0], w.scales + 2 * at, 2);
      std::memcpy(&bits[1], w.biases + 2 * at, 2);
      scale = _mm_cvtss_f32(_mm_castsi128_ps(_mm_cvtsi32_si128(static_cast<int>(static_cast<uint32_t>(bits[0]) << 16))));
      bias = _mm_cvtss_f32(_mm_castsi128_ps(_mm_cvtsi32_si128(static_cast<int>(static_cast<uint32_t>(bits[1]) << 16))));
    }
    const __m256 s = _mm256_set1_ps(scale);
    const __m256 b = _mm256_set1_ps(bias);
    for (int64_t i = group * w.group; i < (group + 1) * w.group; i += 8) {
      __m256i q;
      if (w.packing == Packing::affine4) {
        int word = 0;
        std::memcpy(&word, data + i / 2, 4);
        q = _mm256_and_si256(_mm256_srlv_epi32(_mm256_set1_epi32(word), shifts), _mm256_set1_epi32(15));
      } else {
        q = _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(data + i)));
      }
      _mm256_storeu_ps(out + i, _mm256_add_ps(_mm256_mul_ps(_mm256_cvtepi32_ps(q), s), b));
    }
  }
}

}  // namespace

void unpack_f32(const WeightMatrix& w, int64_t row, float* out) {
  const std::byte* data = w.data + row * w.row_bytes;
  if (w.packing == Packing::f32 || w.packing == Packing::f16 || w.packing == Packing::bf16) return unpack_plain(w, data, out);
  if (w.packing == Packing::affine4 || w.packing == Packing::affine8) return unpack_affine(w, row, data, out);
  // Blocks: 256 values at a time, from bytes. Products of d and a byte are exact in f32, so only the sum is rounded.
  const int64_t block = w.cols % 256 == 0 ? 256 : 32;
  alignas(32) uint8_t bytes[256];
  float scales[16];
  float biases[8];
  for (int64_t start = 0; start < w.cols; start += block) {
    unpack_block(w.packing, data + start / block * (w.row_bytes / (w.cols / block)), block, bytes, scales, biases);
    for (int64_t i = 0; i < block; i += 8) {
      const __m128i eight = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(bytes + i));
      const __m256i q = has_signed_bytes(w.packing) ? _mm256_cvtepi8_epi32(eight) : _mm256_cvtepu8_epi32(eight);
      const __m256 product = _mm256_mul_ps(_mm256_cvtepi32_ps(q), _mm256_set1_ps(scales[i / 16]));
      _mm256_storeu_ps(out + start + i, _mm256_add_ps(product, _mm256_set1_ps(biases[i / 32])));
    }
  }
}

void affine_scales(const WeightMatrix& w, const std::byte* source, int64_t row, float* out) {
  const int64_t groups = w.cols / w.group;
  const std::byte* from = source + row * groups * (w.scale_dtype == DType::f32 ? 4 : 2);
  int64_t i = 0;
  if (w.scale_dtype == DType::f32) {
    std::memcpy(out, from, static_cast<unsigned long>(4 * groups));
    return;
  }
  for (; i + 8 <= groups; i += 8) {
    _mm256_storeu_ps(out + i, w.scale_dtype == DType::f16 ? load_f16(from + 2 * i) : load_bf16(from + 2 * i));
  }
  if (i == groups) return;
  alignas(16) unsigned char tail[16] = {};
  alignas(32) float last[8];
  std::memcpy(tail, from + 2 * i, static_cast<unsigned long>(2 * (groups - i)));
  _mm256_store_ps(last, w.scale_dtype == DType::f16 ? load_f16(tail) : load_bf16(tail));
  for (int64_t j = 0; i < groups; ++i, ++j) out[i] = last[j];
}

void unpack_bytes(const WeightMatrix& w, int64_t row, uint8_t* bytes, float* scales, float* biases) {
  const std::byte* data = w.data + row * w.row_bytes;
  if (w.packing != Packing::affine8) return unpack_block(w.packing, data, w.cols, bytes, scales, biases);
  // q - 128 as s8, so the bias grows by 128 scales
  const int64_t groups = w.cols / w.group;
  float* group_scales = scales + w.cols / 16 - groups;  // read at the end, spread from the front
  float* group_biases = biases + w.cols / 32 - groups;
  affine_scales(w, w.scales, row, group_scales);
  affine_scales(w, w.biases, row, group_biases);
  for (int64_t b = 0; b < w.cols / 32; ++b) {
    const float scale = group_scales[32 * b / w.group];
    const float bias = group_biases[32 * b / w.group];
    const __m256i q = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(data + 32 * b));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(bytes + 32 * b), _mm256_xor_si256(q, _mm256_set1_epi8(-128)));
    scales[2 * b] = scales[2 * b + 1] = scale;
    biases[b] = bias + 128.0F * scale;
  }
}

}  // namespace ifm::avx2
