#include "inferometer/kernel/avx2/avx2.h"
#include "inferometer/kernel/avx2/vector.h"

// GGML's blocks as bytes in order. tensor/weight_matrix.cpp defines them; here only the order of the bits matters.
namespace ifm::avx2 {
namespace {

__m256i load32(const std::byte* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }
void store32(uint8_t* p, __m256i v) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v); }
__m256i low_nibbles(__m256i v) { return _mm256_and_si256(v, _mm256_set1_epi8(15)); }
__m256i high_nibbles(__m256i v) { return low_nibbles(_mm256_srli_epi16(v, 4)); }

/// 16 bytes that hold weights j (low nibble) and j + 16.
__m256i nibbles32(const std::byte* from) {
  const __m128i pairs = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
  return low_nibbles(_mm256_set_m128i(_mm_srli_epi16(pairs, 4), pairs));
}

/// 16 in byte j where bit j of four bytes is set.
__m256i fifth_bits32(const std::byte* from) {
  int word = 0;
  std::memcpy(&word, from, 4);
  const __m256i spread =
      _mm256_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3);
  const __m256i bit = _mm256_set1_epi64x(static_cast<int64_t>(0x8040201008040201ULL));
  const __m256i chosen = _mm256_and_si256(_mm256_shuffle_epi8(_mm256_set1_epi32(word), spread), bit);
  return _mm256_and_si256(_mm256_cmpeq_epi8(chosen, bit), _mm256_set1_epi8(16));
}

/// Blocks of 32 with one scale, and a minimum if `minimum`; `centre` is what the packing subtracts.
struct Form {
  int64_t bytes = 0;
  int64_t data = 0;  // where the weights begin
  float centre = 0;
  bool minimum = false;
  bool fifth = false;
};

void unpack_32(const Form& form, const std::byte* from, int64_t count, uint8_t* bytes, float* scales, float* biases) {
  for (int64_t b = 0; b < count / 32; ++b, from += form.bytes) {
    __m256i q = nibbles32(from + form.data);
    if (form.fifth) q = _mm256_or_si256(q, fifth_bits32(from + form.data - 4));
    store32(bytes + 32 * b, q);
    const float d = one_f16(from);
    scales[2 * b] = scales[2 * b + 1] = d;
    biases[b] = form.minimum ? one_f16(from + 2) : -form.centre * d;
  }
}

void unpack_q8_0(const std::byte* from, int64_t count, uint8_t* bytes, float* scales, float* biases) {
  for (int64_t b = 0; b < count / 32; ++b, from += 34) {
    store32(bytes + 32 * b, load32(from + 2));
    scales[2 * b] = scales[2 * b + 1] = one_f16(from);
    biases[b] = 0;
  }
}

/// The eight 6-bit scales and then the eight minimums of 12 bytes, as bytes. Words a, b, c: the low six bits of a and b are the
/// first four of each; the last four have their low four bits in c and their high two in a and b.
__m128i scales_and_mins(const std::byte* packed) {
  uint32_t a = 0;
  uint32_t b = 0;
  uint32_t c = 0;
  std::memcpy(&a, packed, 4);
  std::memcpy(&b, packed + 4, 4);
  std::memcpy(&c, packed + 8, 4);
  const uint32_t last_scales = (c & 0x0F0F0F0FU) | (a >> 2 & 0x30303030U);
  const uint32_t last_mins = (c >> 4 & 0x0F0F0F0FU) | (b >> 2 & 0x30303030U);
  return _mm_setr_epi32(static_cast<int>(a & 0x3F3F3F3FU), static_cast<int>(last_scales), static_cast<int>(b & 0x3F3F3F3FU),
                        static_cast<int>(last_mins));
}

/// q4_k, and q5_k if `fifth`: byte l of each 32 holds weight l of an even sub-block (low nibble) and of the next one.
void unpack_q45_k(const std::byte* from, int64_t count, bool fifth, uint8_t* bytes, float* scales, float* biases) {
  for (int64_t b = 0; b < count / 256; ++b, from += fifth ? 176 : 144, bytes += 256, scales += 16, biases += 8) {
    const std::byte* pairs = from + (fifth ? 48 : 16);
    for (int sub = 0; sub < 8; sub += 2) {
      const __m256i both = load32(pairs + 16 * sub);
      __m256i even = low_nibbles(both);
      __m256i odd = high_nibbles(both);
      if (fifth) {
        const __m256i high = _mm256_srl_epi16(load32(from + 16), _mm_cvtsi32_si128(sub));
        const __m256i bit = _mm256_set1_epi8(16);
        even = _mm256_or_si256(even, _mm256_and_si256(_mm256_slli_epi16(high, 4), bit));
        odd = _mm256_or_si256(odd, _mm256_and_si256(_mm256_slli_epi16(high, 3), bit));
      }
      store32(bytes + 32 * sub, even);
      store32(bytes + 32 * sub + 32, odd);
    }
    const __m128i packed = scales_and_mins(from + 4);
    const __m256 scale = _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(packed)), _mm256_set1_ps(one_f16(from)));
    const __m256 min = _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_srli_si128(packed, 8)));
    const __m256 first = _mm256_unpacklo_ps(scale, scale);  // 0 0 1 1 | 4 4 5 5
    const __m256 last = _mm256_unpackhi_ps(scale, scale);   // 2 2 3 3 | 6 6 7 7
    _mm256_storeu_ps(scales, _mm256_permute2f128_ps(first, last, 0x20));
    _mm256_storeu_ps(scales + 8, _mm256_permute2f128_ps(first, last, 0x31));
    _mm256_storeu_ps(biases, _mm256_mul_ps(min, _mm256_set1_ps(-one_f16(from + 2))));
  }
}

/// Half a super-block's values l, l + 32, l + 64, l + 96 share low[l], low[l + 32] (low, low, high, high nibble) and the four bit
/// pairs of high[l].
void unpack_q6_k(const std::byte* from, int64_t count, uint8_t* bytes, float* scales, float* biases) {
  const __m256i two = _mm256_set1_epi8(0x30);
  const __m256i centre = _mm256_set1_epi8(32);
  for (int64_t b = 0; b < count / 256; ++b, from += 210, scales += 16, biases += 8) {
    for (int half = 0; half < 2; ++half, bytes += 128) {
      const __m256i first = load32(from + 64 * half);
      const __m256i second = load32(from + 64 * half + 32);
      const __m256i high = load32(from + 128 + 32 * half);
      const __m256i q[4] = {
          _mm256_or_si256(low_nibbles(first), _mm256_and_si256(_mm256_slli_epi16(high, 4), two)),
          _mm256_or_si256(low_nibbles(second), _mm256_and_si256(_mm256_slli_epi16(high, 2), two)),
          _mm256_or_si256(high_nibbles(first), _mm256_and_si256(high, two)),
          _mm256_or_si256(high_nibbles(second), _mm256_and_si256(_mm256_srli_epi16(high, 2), two)),
      };
      for (int i = 0; i < 4; ++i) store32(bytes + 32 * i, _mm256_sub_epi8(q[i], centre));
    }
    const __m128i packed = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + 192));
    const __m256 d = _mm256_set1_ps(one_f16(from + 208));
    _mm256_storeu_ps(scales, _mm256_mul_ps(d, _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(packed))));
    _mm256_storeu_ps(scales + 8, _mm256_mul_ps(d, _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_srli_si128(packed, 8)))));
    _mm256_storeu_ps(biases, _mm256_setzero_ps());
  }
}

}  // namespace

bool has_signed_bytes(Packing packing) {
  return packing == Packing::q8_0 || packing == Packing::q6_k || packing == Packing::affine8;
}

bool has_super_blocks(Packing packing) {
  return packing == Packing::q4_k || packing == Packing::q5_k || packing == Packing::q6_k;
}

int64_t block_bytes(Packing packing) {
  switch (packing) {
    case Packing::q4_0:
      return 18;
    case Packing::q4_1:
      return 20;
    case Packing::q5_0:
      return 22;
    case Packing::q5_1:
      return 24;
    case Packing::q8_0:
      return 34;
    case Packing::q4_k:
      return 144;
    case Packing::q5_k:
      return 176;
    case Packing::q6_k:
      return 210;
    default:
      return 0;  // not made of blocks
  }
}

void unpack_block(Packing packing, const std::byte* from, int64_t count, uint8_t* bytes, float* scales, float* biases) {
  switch (packing) {
    case Packing::q4_0:
      return unpack_32({18, 2, 8, false, false}, from, count, bytes, scales, biases);
    case Packing::q4_1:
      return unpack_32({20, 4, 0, true, false}, from, count, bytes, scales, biases);
    case Packing::q5_0:
      return unpack_32({22, 6, 16, false, true}, from, count, bytes, scales, biases);
    case Packing::q5_1:
      return unpack_32({24, 8, 0, true, true}, from, count, bytes, scales, biases);
    case Packing::q8_0:
      return unpack_q8_0(from, count, bytes, scales, biases);
    case Packing::q4_k:
      return unpack_q45_k(from, count, false, bytes, scales, biases);
    case Packing::q5_k:
      return unpack_q45_k(from, count, true, bytes, scales, biases);
    case Packing::q6_k:
      return unpack_q6_k(from, count, bytes, scales, biases);
    default:
      return;  // not made of blocks
  }
}

}  // namespace ifm::avx2
