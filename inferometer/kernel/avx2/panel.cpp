#include "inferometer/kernel/avx2/panel.h"

#include "inferometer/kernel/avx2/avx2.h"
#include "inferometer/kernel/avx2/vector.h"

namespace ifm::avx2 {
namespace {

/// 8 rows of a span as unpack_span() leaves them.
struct Rows {
  alignas(32) uint8_t bytes[8][kMostSpan];
  alignas(32) float scales[8][kMostSpan / 16];
  alignas(32) float biases[8][kMostSpan / 32];
};

/// Dword j of 8 rows, 32 bytes each, to out[j].
void transpose8(const __m256i* rows, __m256i* out) {
  __m256i a[8];
  for (int i = 0; i < 4; ++i) {
    a[2 * i] = _mm256_unpacklo_epi32(rows[2 * i], rows[2 * i + 1]);
    a[2 * i + 1] = _mm256_unpackhi_epi32(rows[2 * i], rows[2 * i + 1]);
  }
  __m256i b[8];  // b[j] and b[j + 4]: dwords j | j + 4 of rows 0-3 and 4-7
  for (int i = 0; i < 2; ++i) {
    b[4 * i] = _mm256_unpacklo_epi64(a[4 * i], a[4 * i + 2]);
    b[4 * i + 1] = _mm256_unpackhi_epi64(a[4 * i], a[4 * i + 2]);
    b[4 * i + 2] = _mm256_unpacklo_epi64(a[4 * i + 1], a[4 * i + 3]);
    b[4 * i + 3] = _mm256_unpackhi_epi64(a[4 * i + 1], a[4 * i + 3]);
  }
  for (int j = 0; j < 4; ++j) {
    out[j] = _mm256_permute2x128_si256(b[j], b[j + 4], 0x20);
    out[j + 4] = _mm256_permute2x128_si256(b[j], b[j + 4], 0x31);
  }
}

void unpack_rows(const WeightMatrix& w, int64_t row, int64_t row_end, int64_t begin, int64_t count, Rows& rows) {
  for (int64_t r = 0; r < 8; ++r) {
    const int64_t at = row + r < row_end ? row + r : row_end - 1;
    unpack_span(w, at, begin, count, rows.bytes[r], rows.scales[r], rows.biases[r]);
  }
}

void store(void* to, __m256i v) { _mm256_store_si256(static_cast<__m256i*>(to), v); }

/// One column of a table of 8 rows.
template <typename Table>
void gather(const Table& table, int64_t column, float* to) {
  for (int64_t r = 0; r < 8; ++r) to[r] = table[r][column];
}

}  // namespace

void decode_narrow(const WeightMatrix& w, int64_t row, int64_t row_end, int64_t begin, int64_t count, const Strip& strip) {
  Rows rows;
  for (int64_t v = 0; v < 2; ++v) {
    unpack_rows(w, row + 8 * v, row_end, begin, count, rows);
    for (int64_t g = 0; g < count / 32; ++g) {
      __m256i lines[8];
      __m256i quads[8];
      for (int64_t r = 0; r < 8; ++r) lines[r] = _mm256_load_si256(reinterpret_cast<const __m256i*>(rows.bytes[r] + 32 * g));
      transpose8(lines, quads);
      for (int64_t q = 0; q < 8; ++q) store(strip.weights + g * kNarrowGroupBytes + 64 * q + 32 * v, quads[q]);
      float* scales = strip.scales + g * kNarrowGroupScales + 8 * v;
      gather(rows.scales, 2 * g, scales);
      gather(rows.biases, g, scales + 16);
    }
  }
}

void decode_wide(const WeightMatrix& w, int64_t row, int64_t row_end, int64_t begin, int64_t count, const Strip& strip) {
  const bool is_signed = has_signed_bytes(w.packing);
  Rows rows;
  for (int64_t v = 0; v < 2; ++v) {
    unpack_rows(w, row + 8 * v, row_end, begin, count, rows);
    for (int64_t h = 0; h < count / 16; ++h) {
      __m256i lines[8];
      __m256i pairs[8];
      for (int64_t r = 0; r < 8; ++r) {
        const __m128i bytes = _mm_load_si128(reinterpret_cast<const __m128i*>(rows.bytes[r] + 16 * h));
        lines[r] = is_signed ? _mm256_cvtepi8_epi16(bytes) : _mm256_cvtepu8_epi16(bytes);
      }
      transpose8(lines, pairs);
      for (int64_t p = 0; p < 8; ++p) store(strip.weights + h * (kWideGroupBytes / 2) + 64 * p + 32 * v, pairs[p]);
      float* scales = strip.scales + h / 2 * kWideGroupScales + 8 * v;
      gather(rows.scales, h, h % 2 == 0 ? scales + 32 : scales);
      if (h % 2 == 0) gather(rows.biases, h / 2, scales + 16);
    }
  }
}

}  // namespace ifm::avx2
