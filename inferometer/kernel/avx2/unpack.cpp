#include "inferometer/kernel/avx2/avx2.h"
#include "inferometer/kernel/avx2/vector.h"

namespace ifm::avx2 {
namespace {

/// A Q6_K super-block as signed bytes in order. Layout: ql[128], qh[64], int8 scales[16], f16 d. For each half of 128 values,
/// values l, l + 32, l + 64, l + 96 share ql[l], ql[l + 32] (low, low, high, high nibble) and the four bit pairs of qh[l].
void q6_k_bytes(const uint8_t* block, int8_t* out) {
  for (int half = 0; half < 2; ++half) {
    const uint8_t* low = block + 64 * half;
    const uint8_t* high = block + 128 + 32 * half;
    int8_t* to = out + 128 * half;
    for (int l = 0; l < 32; ++l) {
      to[l] = static_cast<int8_t>(((low[l] & 15) | (high[l] & 3) << 4) - 32);
      to[l + 32] = static_cast<int8_t>(((low[l + 32] & 15) | (high[l] >> 2 & 3) << 4) - 32);
      to[l + 64] = static_cast<int8_t>(((low[l] >> 4) | (high[l] >> 4 & 3) << 4) - 32);
      to[l + 96] = static_cast<int8_t>(((low[l + 32] >> 4) | (high[l] >> 6) << 4) - 32);
    }
  }
}

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

/// q4_0 centres its nibbles (w = d (q - 8)), q4_1 adds its minimum (w = d q + m).
void unpack_q4(const WeightMatrix& w, const std::byte* data, float* out) {
  const int64_t block_bytes = w.packing == Packing::q4_0 ? 18 : 20;
  const __m128i centre = _mm_set1_epi8(w.packing == Packing::q4_0 ? 8 : 0);
  for (int64_t block = 0; block < w.cols / 32; ++block) {
    const std::byte* from = data + block * block_bytes;
    const __m256 d = _mm256_set1_ps(one_f16(from));
    const __m256 m = _mm256_set1_ps(w.packing == Packing::q4_1 ? one_f16(from + 2) : 0.0F);
    const __m128i pairs = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + block_bytes - 16));
    const __m128i mask = _mm_set1_epi8(15);
    __m128i half[2] = {_mm_sub_epi8(_mm_and_si128(pairs, mask), centre),
                       _mm_sub_epi8(_mm_and_si128(_mm_srli_epi16(pairs, 4), mask), centre)};
    for (int64_t i = 0; i < 4; ++i) {
      const __m256 q = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(half[i / 2]));
      half[i / 2] = _mm_srli_si128(half[i / 2], 8);
      _mm256_storeu_ps(out + 32 * block + 8 * i, _mm256_add_ps(_mm256_mul_ps(q, d), m));
    }
  }
}

void unpack_q8_0(const WeightMatrix& w, const std::byte* data, float* out) {
  for (int64_t block = 0; block < w.cols / 32; ++block) {
    const std::byte* from = data + block * 34;
    const __m256 d = _mm256_set1_ps(one_f16(from));
    for (int64_t i = 0; i < 32; i += 8) {
      const __m256i q = _mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from + 2 + i)));
      _mm256_storeu_ps(out + 32 * block + i, _mm256_mul_ps(_mm256_cvtepi32_ps(q), d));
    }
  }
}

void unpack_q6_k(const WeightMatrix& w, const std::byte* data, float* out) {
  alignas(32) int8_t bytes[256];
  for (int64_t block = 0; block < w.cols / 256; ++block) {
    const auto* from = reinterpret_cast<const uint8_t*>(data + block * 210);
    q6_k_bytes(from, bytes);
    const float d = one_f16(from + 208);
    for (int64_t i = 0; i < 256; i += 8) {
      const auto scale = static_cast<float>(static_cast<int8_t>(from[192 + i / 16]));
      const __m256i q = _mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(bytes + i)));
      _mm256_storeu_ps(out + 256 * block + i, _mm256_mul_ps(_mm256_cvtepi32_ps(q), _mm256_set1_ps(d * scale)));
    }
  }
}

void q4_bytes(const std::byte* from, uint8_t* out) {
  const __m128i pairs = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
  const __m128i mask = _mm_set1_epi8(15);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out), _mm_and_si128(pairs, mask));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out + 16), _mm_and_si128(_mm_srli_epi16(pairs, 4), mask));
}

}  // namespace

void unpack_f32(const WeightMatrix& w, int64_t row, float* out) {
  const std::byte* data = w.data + row * w.row_bytes;
  switch (w.packing) {
    case Packing::f32:
    case Packing::f16:
    case Packing::bf16:
      unpack_plain(w, data, out);
      break;
    case Packing::affine4:
    case Packing::affine8:
      unpack_affine(w, row, data, out);
      break;
    case Packing::q4_0:
    case Packing::q4_1:
      unpack_q4(w, data, out);
      break;
    case Packing::q8_0:
      unpack_q8_0(w, data, out);
      break;
    case Packing::q6_k:
      unpack_q6_k(w, data, out);
      break;
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
  switch (w.packing) {
    case Packing::q4_0:
    case Packing::q4_1: {
      const int64_t block_bytes = w.packing == Packing::q4_0 ? 18 : 20;
      for (int64_t b = 0; b < w.cols / 32; ++b) {
        const std::byte* from = data + b * block_bytes;
        q4_bytes(from + block_bytes - 16, bytes + 32 * b);
        scales[2 * b] = scales[2 * b + 1] = one_f16(from);
        biases[b] = w.packing == Packing::q4_0 ? -8.0F * scales[2 * b] : one_f16(from + 2);
      }
      break;
    }
    case Packing::q8_0:
      for (int64_t b = 0; b < w.cols / 32; ++b) {
        std::memcpy(bytes + 32 * b, data + 34 * b + 2, 32);
        scales[2 * b] = scales[2 * b + 1] = one_f16(data + 34 * b);
        biases[b] = 0;
      }
      break;
    case Packing::q6_k:
      for (int64_t b = 0; b < w.cols / 256; ++b) {
        const auto* from = reinterpret_cast<const uint8_t*>(data + 210 * b);
        q6_k_bytes(from, reinterpret_cast<int8_t*>(bytes + 256 * b));
        const float d = one_f16(from + 208);
        for (int64_t i = 0; i < 16; ++i) scales[16 * b + i] = d * static_cast<float>(static_cast<int8_t>(from[192 + i]));
        for (int64_t i = 0; i < 8; ++i) biases[8 * b + i] = 0;
      }
      break;
    default: {  // affine8: q - 128 as s8, so the bias grows by 128 scales
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
  }
}

}  // namespace ifm::avx2
