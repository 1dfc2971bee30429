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

}  // namespace

float affine_number(const WeightMatrix& w, const std::byte* source, int64_t group) {
  if (w.scale_dtype == DType::f16) return one_f16(source + 2 * group);
  if (w.scale_dtype == DType::bf16) return one_bf16(source + 2 * group);
  float value = 0;
  std::memcpy(&value, source + 4 * group, 4);
  return value;
}

void unpack_f32(const WeightMatrix& w, int64_t row, float* out) { unpack_plain(w, w.data + row * w.row_bytes, out); }

void unpack_span(const WeightMatrix& w, int64_t row, int64_t begin, int64_t count, uint8_t* bytes, float* scales, float* biases) {
  const std::byte* data = w.data + row * w.row_bytes;
  if (w.packing != Packing::affine4 && w.packing != Packing::affine8) {
    const int64_t block = has_super_blocks(w.packing) ? 256 : 32;
    return unpack_block(w.packing, data + begin / block * block_bytes(w.packing), count, bytes, scales, biases);
  }
  const bool four = w.packing == Packing::affine4;
  const int64_t first_group = row * (w.cols / w.group);
  for (int64_t b = 0; b < count / 32; ++b) {
    const int64_t at = begin + 32 * b;
    const float scale = affine_number(w, w.scales, first_group + at / w.group);
    const float bias = affine_number(w, w.biases, first_group + at / w.group);
    scales[2 * b] = scales[2 * b + 1] = scale;
    biases[b] = four ? bias : bias + 128.0F * scale;  // bytes of 8 bits are signed: q - 128
    auto* to = reinterpret_cast<__m256i*>(bytes + 32 * b);
    if (!four) {
      const __m256i q = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(data + at));
      _mm256_storeu_si256(to, _mm256_xor_si256(q, _mm256_set1_epi8(-128)));
      continue;
    }
    const __m128i pairs = _mm_loadu_si128(reinterpret_cast<const __m128i*>(data + at / 2));
    const __m128i even = _mm_and_si128(pairs, _mm_set1_epi8(15));
    const __m128i odd = _mm_and_si128(_mm_srli_epi16(pairs, 4), _mm_set1_epi8(15));
    _mm256_storeu_si256(to, _mm256_set_m128i(_mm_unpackhi_epi8(even, odd), _mm_unpacklo_epi8(even, odd)));
  }
}

}  // namespace ifm::avx2
