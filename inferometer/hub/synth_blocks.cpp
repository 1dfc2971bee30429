#include "inferometer/hub/synth_blocks.h"

#include <array>
#include <cstring>

#include "inferometer/base/check.h"

namespace ifm {
namespace {

constexpr std::size_t kScaleGroup = 64;

/// A piece of a row: its weights' q, the scale of each 64 in units, and the unit.
struct Piece {
  const uint8_t* nibbles;  // two in a byte, low first
  const uint8_t* scales;
  float unit;

  [[nodiscard]] unsigned q(std::size_t i) const { return i % 2 == 0 ? nibbles[i / 2] & 15U : nibbles[i / 2] >> 4U; }
  [[nodiscard]] float scale(std::size_t i) const { return unit * static_cast<float>(scales[i / kScaleGroup]); }
};

void put_u16(uint16_t bits, std::byte* out) { std::memcpy(out, &bits, sizeof bits); }
void put_f16(float value, std::byte* out) { put_u16(f32_to_f16(value), out); }

void put_plain(const Piece& piece, DType type, std::byte* out) {
  const float weight = piece.scale(0) * (static_cast<float>(piece.q(0)) - 8);
  put_u16(type == DType::f16 ? f32_to_f16(weight) : f32_to_bf16(weight), out);
}

/// Byte j holds weights j and j + 16; fifth bits, all 0 here but for q5_0's centre of 16, stand before them.
void put_block_of_32(const Piece& piece, DType type, std::byte* out) {
  const bool has_minimum = type == DType::q4_1 || type == DType::q5_1;
  const bool has_fifth = type == DType::q5_0 || type == DType::q5_1;
  put_f16(piece.scale(0), out);
  if (has_minimum) put_f16(-8 * piece.scale(0), out + 2);
  out += has_minimum ? 4 : 2;
  if (type == DType::q8_0) {
    for (std::size_t j = 0; j < 32; ++j) out[j] = static_cast<std::byte>(static_cast<int8_t>(static_cast<int>(piece.q(j)) - 8));
    return;
  }
  const unsigned shift = type == DType::q5_0 ? 8 : 0;  // q - 8 = (q + 8) - 16
  uint32_t fifth = 0;
  std::byte* pairs = out + (has_fifth ? 4 : 0);
  for (std::size_t j = 0; j < 16; ++j) {
    const unsigned low = piece.q(j) + shift;
    const unsigned high = piece.q(j + 16) + shift;
    fifth |= low >> 4 << j | high >> 4 << (j + 16);
    pairs[j] = static_cast<std::byte>((low & 15U) | (high & 15U) << 4);
  }
  if (has_fifth) std::memcpy(out, &fifth, sizeof fifth);
}

/// q4_k and q5_k (its fifth bits are 0): the scales are their own minimums, of 8 units.
void put_q45_k(const Piece& piece, DType type, std::byte* out) {
  put_f16(piece.unit, out);
  put_f16(8 * piece.unit, out + 2);
  std::array<unsigned, 8> scales{};
  for (std::size_t sub = 0; sub < 8; ++sub) scales[sub] = piece.scales[sub / 2];
  for (std::size_t i = 0; i < 4; ++i) {
    out[4 + i] = static_cast<std::byte>((scales[i] & 63U) | scales[4 + i] >> 4 << 6);
    out[8 + i] = out[4 + i];
    out[12 + i] = static_cast<std::byte>((scales[4 + i] & 15U) | (scales[4 + i] & 15U) << 4);
  }
  std::byte* pairs = out + (type == DType::q5_k ? 48 : 16);
  for (std::size_t i = 0; i < 128; ++i) {
    const std::size_t first = i / 32 * 64 + i % 32;
    pairs[i] = static_cast<std::byte>(piece.q(first) | piece.q(first + 32) << 4);
  }
}

/// q - 8 = (q + 24) - 32.
void put_q6_k(const Piece& piece, std::byte* out) {
  for (std::size_t i = 0; i < 256; ++i) {
    const unsigned q = piece.q(i) + 24;
    const std::size_t quarter = i % 128 / 32;
    std::byte& low = out[i / 128 * 64 + quarter % 2 * 32 + i % 32];
    std::byte& high = out[128 + i / 128 * 32 + i % 32];
    low |= static_cast<std::byte>((q & 15U) << (quarter < 2 ? 0 : 4));
    high |= static_cast<std::byte>(q >> 4 << (2 * quarter));
  }
  for (std::size_t i = 0; i < 16; ++i) out[192 + i] = static_cast<std::byte>(piece.scales[i / 4]);
  put_f16(piece.unit, out + 208);
}

void put_block(const Piece& piece, DType type, std::byte* out) {
  switch (type) {
    case DType::f16:
    case DType::bf16:
      return put_plain(piece, type, out);
    case DType::q4_k:
    case DType::q5_k:
      return put_q45_k(piece, type, out);
    case DType::q6_k:
      return put_q6_k(piece, out);
    default:
      return put_block_of_32(piece, type, out);
  }
}

/// The row of ours that lies at `row` in GGUF's order: (heads, 2, d/2) becomes (heads, d/2, 2).
int64_t row_for_gguf(int64_t row, int64_t head_dim) {
  if (head_dim == 0) return row;
  const int64_t within = row % head_dim;
  return row - within + (within % 2) * (head_dim / 2) + within / 2;
}

}  // namespace

std::vector<std::byte> synth_blocks(const SynthMatrix& matrix, DType type, int64_t head_dim) {
  const auto block = static_cast<std::size_t>(info(type).block_elements);
  const auto block_bytes = static_cast<std::size_t>(info(type).block_bytes);
  const auto cols = static_cast<std::size_t>(matrix.cols());
  IFM_CHECK(cols % block == 0);
  std::vector<uint8_t> nibbles(cols / 2);
  std::vector<uint8_t> scales(cols / kScaleGroup);
  std::vector<std::byte> result(static_cast<std::size_t>(matrix.rows()) * (cols / block) * block_bytes);
  std::byte* out = result.data();
  for (int64_t r = 0; r < matrix.rows(); ++r) {
    const int64_t row = row_for_gguf(r, head_dim);
    matrix.nibbles(row, nibbles);
    matrix.scales(row, scales);
    for (std::size_t at = 0; at < cols; at += block, out += block_bytes) {
      std::array<uint8_t, 1> single{};
      Piece piece{nibbles.data() + at / 2, scales.data() + at / kScaleGroup, matrix.unit()};
      if (block == 1) {
        single[0] = static_cast<uint8_t>(at % 2 == 0 ? nibbles[at / 2] & 15 : nibbles[at / 2] >> 4);
        piece.nibbles = single.data();
      }
      put_block(piece, type, out);
    }
  }
  return result;
}

}  // namespace ifm
