#include <immintrin.h>

#include "inferometer/kernel/avx512/panel.h"
#include "inferometer/kernel/avx512/panel_loads.h"

// GGML's blocks, 16 rows at a time: the dwords of a block become lanes, the low and the high nibbles of a dword two quads. A
// record of 64 values is two blocks of 32 or a quarter of a super-block of 256; half a record at the end of a row counts as
// zeros.
namespace ifm::avx512 {
namespace {

/// Where 16 rows of a record go.
struct Lanes {
  uint8_t* weights;  // quads 128 bytes apart
  float* scales;     // groups 32 floats apart
  float* offsets;

  void put(int64_t quad, __m512i bytes) const { _mm512_store_si512(weights + 128 * quad, bytes); }
  void put_group(int64_t group, __m512 scale) const { _mm512_store_ps(scales + 32 * group, scale); }
  void put_group(int64_t group, __m512 scale, __m512 offset) const {
    put_group(group, scale);
    _mm512_store_ps(offsets + 32 * group, offset);
  }
};

/// Calls record(rows, index, lanes) for both halves of the rows and each record.
template <typename Record>
void for_halves(const PanelRows& rows, int64_t begin, int64_t end, int64_t groups_per_record, const Panel& panel,
                const Record& record) {
  for (int64_t v = 0; v < 2; ++v) {
    for (int64_t r = begin; r < end; ++r) {
      const int64_t group = (r - begin) * groups_per_record * 32 + 16 * v;
      record(rows.bytes + 16 * v, r,
             Lanes{panel.weights + 2048 * (r - begin) + 64 * v, panel.scales + group, panel.offsets + group});
    }
  }
}

/// The same for blocks of 32: block(rows, first byte, half of the record, lanes).
template <int64_t block_bytes, typename Each>
void for_blocks(const PanelRows& rows, int64_t begin, int64_t end, const Panel& panel, const Each& block) {
  const int64_t blocks = rows.matrix.cols / 32;
  for_halves(rows, begin, end, 2, panel, [&](const std::byte* const* bytes, int64_t r, const Lanes& to) {
    for (int64_t half = 0; half < 2; ++half) {
      if (2 * r + half < blocks) {
        block(bytes, (2 * r + half) * block_bytes, half, to);
      } else {
        to.put_group(half, _mm512_setzero_ps(), _mm512_setzero_ps());
      }
    }
  });
}

/// Each byte's bits from bit `from` on come to bit 4; the others hold something.
__m512i bits_to_4(__m512i bytes, int64_t from) {
  return from < 4 ? _mm512_slli_epi32(bytes, static_cast<unsigned>(4 - from))
                  : _mm512_srli_epi32(bytes, static_cast<unsigned>(from - 4));
}

void put_nibbles(const std::byte* const* rows, int64_t at, int64_t half, const Lanes& to) {
  __m512i words[4];
  load_16x4(rows, at, words);
  for (int64_t i = 0; i < 4; ++i) {
    to.put(8 * half + i, low_nibbles(words[i]));
    to.put(8 * half + 4 + i, high_nibbles(words[i]));
  }
}

/// As put_nibbles, with fifth bits: bit j of a row's dword belongs to value j.
void put_fives(const std::byte* const* rows, int64_t bits_at, int64_t at, int64_t half, const Lanes& to) {
  // Entry n: 16 in each byte whose bit of n is set.
  const __m512i spread = _mm512_setr_epi32(0, 0x10, 0x1000, 0x1010, 0x100000, 0x100010, 0x101000, 0x101010, 0x10000000,
                                           0x10000010, 0x10001000, 0x10001010, 0x10100000, 0x10100010, 0x10101000, 0x10101010);
  const __m512i bits = load_16(rows, bits_at);
  __m512i words[4];
  load_16x4(rows, at, words);
  for (int64_t i = 0; i < 4; ++i) {
    const __m512i low = _mm512_srli_epi32(bits, static_cast<unsigned>(4 * i));  // only the lowest four bits are an index
    const __m512i high = _mm512_srli_epi32(bits, static_cast<unsigned>(16 + 4 * i));
    to.put(8 * half + i, _mm512_or_si512(low_nibbles(words[i]), _mm512_permutexvar_epi32(low, spread)));
    to.put(8 * half + 4 + i, _mm512_or_si512(high_nibbles(words[i]), _mm512_permutexvar_epi32(high, spread)));
  }
}

/// d and m of a block with both: scale and offset for weights whose zero is `zero`.
void put_d_and_m(const std::byte* const* rows, int64_t at, int64_t half, float zero, const Lanes& to) {
  const __m512i pair = load_16(rows, at);
  const __m512 d = low_f16(pair);
  to.put_group(half, d, _mm512_add_ps(high_f16(pair), _mm512_mul_ps(_mm512_set1_ps(zero), d)));
}

/// Scales and mins of a super-block of Q4_K or Q5_K: groups 2 c and 2 c + 1 of its quarter c.
void put_k_groups(const std::byte* const* rows, int64_t at, int64_t quarter, float zero, const Lanes& to) {
  const __m512i pair = load_16(rows, at);
  const __m512 d = low_f16(pair);
  const __m512 d_min = high_f16(pair);
  __m512i words[4];
  load_16x4(rows, at + 4, 0x3F, words);
  const __m512i six = _mm512_set1_epi32(63);
  const __m512i four = _mm512_set1_epi32(15);
  for (int64_t half = 0; half < 2; ++half) {
    const int j = static_cast<int>(2 * quarter + half);
    __m512i scale;
    __m512i min;
    if (j < 4) {
      scale = _mm512_and_si512(byte_of(words[0], j), six);
      min = _mm512_and_si512(byte_of(words[1], j), six);
    } else {
      const __m512i low = byte_of(words[2], j - 4);
      const auto upper = [&](__m512i w) { return _mm512_slli_epi32(_mm512_srli_epi32(byte_of(w, j - 4), 6), 4); };
      scale = _mm512_or_si512(_mm512_and_si512(low, four), upper(words[0]));
      min = _mm512_or_si512(_mm512_srli_epi32(low, 4), upper(words[1]));
    }
    const __m512 s = _mm512_mul_ps(d, _mm512_cvtepi32_ps(scale));
    const __m512 m = _mm512_mul_ps(d_min, _mm512_cvtepi32_ps(min));
    to.put_group(half, s, _mm512_sub_ps(_mm512_mul_ps(_mm512_set1_ps(zero), s), m));
  }
}

/// The 32 bytes of a quarter: low nibbles, then high ones.
void load_quarter(const std::byte* const* rows, int64_t at, __m512i* low, __m512i* high) {
  __m512i words[8];
  load_16x4(rows, at, words);
  load_16x4(rows, at + 16, words + 4);
  for (int i = 0; i < 8; ++i) {
    low[i] = low_nibbles(words[i]);
    high[i] = high_nibbles(words[i]);
  }
}

}  // namespace

void unpack_q4_0(const PanelRows& rows, int64_t begin, int64_t end, const Panel& panel) {
  for_blocks<18>(rows, begin, end, panel, [](const std::byte* const* bytes, int64_t at, int64_t half, const Lanes& to) {
    put_nibbles(bytes, at + 2, half, to);
    to.put_group(half, low_f16(load_16(bytes, at)));
  });
}

void unpack_q4_1(const PanelRows& rows, int64_t begin, int64_t end, const Panel& panel) {
  for_blocks<20>(rows, begin, end, panel, [](const std::byte* const* bytes, int64_t at, int64_t half, const Lanes& to) {
    put_nibbles(bytes, at + 4, half, to);
    put_d_and_m(bytes, at, half, 8, to);
  });
}

void unpack_q5_0(const PanelRows& rows, int64_t begin, int64_t end, const Panel& panel) {
  for_blocks<22>(rows, begin, end, panel, [](const std::byte* const* bytes, int64_t at, int64_t half, const Lanes& to) {
    put_fives(bytes, at + 2, at + 6, half, to);
    to.put_group(half, low_f16(load_16(bytes, at)));
  });
}

void unpack_q5_1(const PanelRows& rows, int64_t begin, int64_t end, const Panel& panel) {
  for_blocks<24>(rows, begin, end, panel, [](const std::byte* const* bytes, int64_t at, int64_t half, const Lanes& to) {
    put_fives(bytes, at + 4, at + 8, half, to);
    put_d_and_m(bytes, at, half, 16, to);
  });
}

void unpack_q8_0(const PanelRows& rows, int64_t begin, int64_t end, const Panel& panel) {
  for_blocks<34>(rows, begin, end, panel, [](const std::byte* const* bytes, int64_t at, int64_t half, const Lanes& to) {
    __m512i words[8];
    load_16x4(bytes, at + 2, words);
    load_16x4(bytes, at + 18, words + 4);
    for (int64_t i = 0; i < 8; ++i) to.put(8 * half + i, _mm512_xor_si512(words[i], _mm512_set1_epi8(static_cast<char>(128))));
    to.put_group(half, low_f16(load_16(bytes, at)));
  });
}

void unpack_q4_k(const PanelRows& rows, int64_t begin, int64_t end, const Panel& panel) {
  for_halves(rows, begin, end, 2, panel, [](const std::byte* const* bytes, int64_t r, const Lanes& to) {
    const int64_t at = r / 4 * 144;
    __m512i low[8];
    __m512i high[8];
    load_quarter(bytes, at + 16 + 32 * (r % 4), low, high);
    for (int64_t i = 0; i < 8; ++i) {
      to.put(i, low[i]);
      to.put(8 + i, high[i]);
    }
    put_k_groups(bytes, at, r % 4, 8, to);
  });
}

void unpack_q5_k(const PanelRows& rows, int64_t begin, int64_t end, const Panel& panel) {
  for_halves(rows, begin, end, 2, panel, [](const std::byte* const* bytes, int64_t r, const Lanes& to) {
    const int64_t at = r / 4 * 176;
    __m512i low[8];
    __m512i high[8];
    __m512i fifths[8];
    load_quarter(bytes, at + 48 + 32 * (r % 4), low, high);
    load_16x4(bytes, at + 16, fifths);
    load_16x4(bytes, at + 32, fifths + 4);
    const __m512i bit = _mm512_set1_epi8(16);
    for (int64_t i = 0; i < 8; ++i) {
      // Bits 2 c and 2 c + 1 of a byte.
      to.put(i, _mm512_or_si512(low[i], _mm512_and_si512(bits_to_4(fifths[i], 2 * (r % 4)), bit)));
      to.put(8 + i, _mm512_or_si512(high[i], _mm512_and_si512(bits_to_4(fifths[i], 2 * (r % 4) + 1), bit)));
    }
    put_k_groups(bytes, at, r % 4, 16, to);
  });
}

void unpack_q6_k(const PanelRows& rows, int64_t begin, int64_t end, const Panel& panel) {
  for_halves(rows, begin, end, 4, panel, [](const std::byte* const* bytes, int64_t r, const Lanes& to) {
    const int64_t at = r / 4 * 210;
    const int64_t half = r % 4 / 2;  // of the super-block
    const int64_t part = r % 2;      // low or high nibbles
    const __m512i pairs = _mm512_set1_epi8(48);
    for (int64_t i = 0; i < 4; ++i) {  // 16 values each
      __m512i nibbles[4];
      __m512i upper[4];
      load_16x4(bytes, at + 64 * half + 16 * i, nibbles);
      load_16x4(bytes, at + 128 + 32 * half + 16 * (i % 2), upper);
      // The pair of bits of value l of the record's half i / 2: bits 4 part + 2 (i / 2), moved to bits 4 and 5.
      const int64_t down = 4 * part + 2 * (i / 2);
      for (int64_t j = 0; j < 4; ++j) {
        const __m512i low = part == 0 ? low_nibbles(nibbles[j]) : high_nibbles(nibbles[j]);
        const __m512i top = _mm512_and_si512(bits_to_4(upper[j], down), pairs);
        to.put(4 * i + j, _mm512_or_si512(low, top));
      }
    }
    const __m512 d = high_f16(load_16(bytes, at + 206));
    const __m512i scales = load_16(bytes, at + 192 + 4 * (r % 4));
    for (int s = 0; s < 4; ++s) {
      const __m512i scale = _mm512_srai_epi32(_mm512_slli_epi32(scales, static_cast<unsigned>(24 - 8 * s)), 24);
      to.put_group(s, _mm512_mul_ps(d, _mm512_cvtepi32_ps(scale)));
    }
  });
}

}  // namespace ifm::avx512
