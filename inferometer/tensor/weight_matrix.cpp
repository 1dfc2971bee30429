#include "inferometer/tensor/weight_matrix.h"

#include <cstring>
#include <string>

#include <fmt/format.h>

#include "inferometer/base/check.h"

namespace ifm {
namespace {

uint16_t load_u16(const std::byte* at) {
  uint16_t value = 0;
  std::memcpy(&value, at, sizeof value);
  return value;
}

float load_f16(const std::byte* at) { return f16_to_f32(load_u16(at)); }

float load_float(const std::byte* base, int64_t index, DType dtype) {
  if (dtype == DType::f16) return f16_to_f32(load_u16(base + index * 2));
  if (dtype == DType::bf16) return bf16_to_f32(load_u16(base + index * 2));
  IFM_CHECK(dtype == DType::f32);
  float value = 0;
  std::memcpy(&value, base + index * 4, sizeof value);
  return value;
}

int low_nibble(std::byte value) { return std::to_integer<int>(value) & 0xF; }
int high_nibble(std::byte value) { return std::to_integer<int>(value) >> 4; }
int as_int8(std::byte value) { return static_cast<int8_t>(std::to_integer<uint8_t>(value)); }

void plain_row(const std::byte* row, int64_t cols, DType dtype, float* out) {
  for (int64_t i = 0; i < cols; ++i) out[i] = load_float(row, i, dtype);
}

void affine_row(const WeightMatrix& matrix, int64_t row, float* out) {
  const std::byte* data = matrix.data + row * matrix.row_bytes;
  const int64_t first_group = row * (matrix.cols / matrix.group);
  for (int64_t i = 0; i < matrix.cols; ++i) {
    const int64_t group = first_group + i / matrix.group;
    const float scale = load_float(matrix.scales, group, matrix.scale_dtype);
    const float bias = load_float(matrix.biases, group, matrix.scale_dtype);
    int q = 0;
    if (matrix.packing == Packing::affine8) {
      q = std::to_integer<int>(data[i]);
    } else {  // the words are little-endian, so that weight i is nibble i of the bytes
      q = i % 2 == 0 ? low_nibble(data[i / 2]) : high_nibble(data[i / 2]);
    }
    const float product = scale * static_cast<float>(q);
    out[i] = product + bias;
  }
}

void q4_0_row(const std::byte* block, int64_t cols, float* out) {
  for (int64_t start = 0; start < cols; start += 32, block += 18) {
    const float d = load_f16(block);
    for (int j = 0; j < 16; ++j) {
      out[start + j] = d * static_cast<float>(low_nibble(block[2 + j]) - 8);
      out[start + j + 16] = d * static_cast<float>(high_nibble(block[2 + j]) - 8);
    }
  }
}

void q4_1_row(const std::byte* block, int64_t cols, float* out) {
  for (int64_t start = 0; start < cols; start += 32, block += 20) {
    const float d = load_f16(block);
    const float m = load_f16(block + 2);
    for (int j = 0; j < 16; ++j) {
      const float low = d * static_cast<float>(low_nibble(block[4 + j]));
      const float high = d * static_cast<float>(high_nibble(block[4 + j]));
      out[start + j] = low + m;
      out[start + j + 16] = high + m;
    }
  }
}

void q8_0_row(const std::byte* block, int64_t cols, float* out) {
  for (int64_t start = 0; start < cols; start += 32, block += 34) {
    const float d = load_f16(block);
    for (int j = 0; j < 32; ++j) out[start + j] = d * static_cast<float>(as_int8(block[2 + j]));
  }
}

void q6_k_row(const std::byte* block, int64_t cols, float* out) {
  for (int64_t start = 0; start < cols; start += 256, block += 210) {
    const std::byte* low = block;           // (2, 64): two nibbles each
    const std::byte* high = block + 128;    // (2, 32): four pairs of bits each
    const std::byte* scales = block + 192;  // (16) int8
    const float d = load_f16(block + 208);
    for (int i = 0; i < 256; ++i) {
      const int half = i / 128;
      const int quarter = i % 128 / 32;
      const int lane = i % 32;
      const std::byte low_byte = low[half * 64 + quarter % 2 * 32 + lane];
      const int low_bits = quarter < 2 ? low_nibble(low_byte) : high_nibble(low_byte);
      const int high_bits = std::to_integer<int>(high[half * 32 + lane]) >> (2 * quarter) & 3;
      const float scale = d * static_cast<float>(as_int8(scales[half * 8 + quarter * 2 + lane / 16]));
      out[start + i] = scale * static_cast<float>((low_bits | high_bits << 4) - 32);
    }
  }
}

/// q5_0 (without minimum) and q5_1: bit j of the word is the fifth bit of weight j.
void q5_row(const std::byte* block, int64_t cols, bool has_minimum, float* out) {
  const int64_t head = has_minimum ? 4 : 2;
  for (int64_t start = 0; start < cols; start += 32, block += head + 20) {
    const float d = load_f16(block);
    const float m = has_minimum ? load_f16(block + 2) : 0.0F;
    uint32_t fifth = 0;
    std::memcpy(&fifth, block + head, sizeof fifth);
    for (int j = 0; j < 32; ++j) {
      const std::byte pair = block[head + 4 + j % 16];
      const int q = (j < 16 ? low_nibble(pair) : high_nibble(pair)) | static_cast<int>(fifth >> j & 1U) << 4;
      const float product = d * static_cast<float>(has_minimum ? q : q - 16);
      out[start + j] = has_minimum ? product + m : product;
    }
  }
}

/// The 6-bit scale and minimum of a sub-block of 32, by the 12 bytes that hold eight of each.
struct ScaleAndMin {
  int scale = 0;
  int min = 0;
};
ScaleAndMin scale_and_min(const std::byte* packed, int sub) {
  const auto byte = [packed](int i) { return std::to_integer<int>(packed[i]); };
  if (sub < 4) return {byte(sub) & 63, byte(sub + 4) & 63};
  return {(byte(sub + 4) & 15) | (byte(sub - 4) >> 6) << 4, byte(sub + 4) >> 4 | (byte(sub) >> 6) << 4};
}

/// q4_k and, with fifth bits, q5_k: bit `sub` of byte l is the fifth bit of weight l of sub-block `sub`.
void q45_k_row(const std::byte* block, int64_t cols, bool has_fifth, float* out) {
  const int64_t head = has_fifth ? 48 : 16;
  for (int64_t start = 0; start < cols; start += 256, block += head + 128) {
    for (int sub = 0; sub < 8; ++sub) {
      const auto [scale, min] = scale_and_min(block + 4, sub);
      const float d = load_f16(block) * static_cast<float>(scale);
      const float minimum = load_f16(block + 2) * static_cast<float>(min);
      for (int lane = 0; lane < 32; ++lane) {
        const std::byte pair = block[head + sub / 2 * 32 + lane];
        int q = sub % 2 == 0 ? low_nibble(pair) : high_nibble(pair);
        if (has_fifth) q |= (std::to_integer<int>(block[16 + lane]) >> sub & 1) << 4;
        const float product = d * static_cast<float>(q);
        out[start + 32 * sub + lane] = product - minimum;
      }
    }
  }
}

bool is_affine(Packing packing) { return packing == Packing::affine4 || packing == Packing::affine8; }

}  // namespace

int64_t bytes_of(const WeightMatrix& matrix) {
  int64_t bytes = matrix.rows * matrix.row_bytes;
  if (is_affine(matrix.packing)) {
    bytes += 2 * matrix.rows * (matrix.cols / matrix.group) * info(matrix.scale_dtype).block_bytes;
  }
  return bytes;
}

std::string describe(const WeightMatrix& matrix) {
  switch (matrix.packing) {
    case Packing::f32:
      return "F32";
    case Packing::f16:
      return "F16";
    case Packing::bf16:
      return "BF16";
    case Packing::affine4:
      return fmt::format("4-bit affine, group {}", matrix.group);
    case Packing::affine8:
      return fmt::format("8-bit affine, group {}", matrix.group);
    case Packing::q4_0:
      return "Q4_0";
    case Packing::q4_1:
      return "Q4_1";
    case Packing::q8_0:
      return "Q8_0";
    case Packing::q6_k:
      return "Q6_K";
    case Packing::q5_0:
      return "Q5_0";
    case Packing::q5_1:
      return "Q5_1";
    case Packing::q4_k:
      return "Q4_K";
    case Packing::q5_k:
      return "Q5_K";
  }
  report_bug("known packing", __FILE__, __LINE__);
}

void dequantize_row(const WeightMatrix& matrix, int64_t row, float* out) {
  IFM_CHECK(row >= 0 && row < matrix.rows);
  const std::byte* data = matrix.data + row * matrix.row_bytes;
  switch (matrix.packing) {
    case Packing::f32:
      return plain_row(data, matrix.cols, DType::f32, out);
    case Packing::f16:
      return plain_row(data, matrix.cols, DType::f16, out);
    case Packing::bf16:
      return plain_row(data, matrix.cols, DType::bf16, out);
    case Packing::affine4:
    case Packing::affine8:
      return affine_row(matrix, row, out);
    case Packing::q4_0:
      return q4_0_row(data, matrix.cols, out);
    case Packing::q4_1:
      return q4_1_row(data, matrix.cols, out);
    case Packing::q8_0:
      return q8_0_row(data, matrix.cols, out);
    case Packing::q6_k:
      return q6_k_row(data, matrix.cols, out);
    case Packing::q5_0:
      return q5_row(data, matrix.cols, false, out);
    case Packing::q5_1:
      return q5_row(data, matrix.cols, true, out);
    case Packing::q4_k:
      return q45_k_row(data, matrix.cols, false, out);
    case Packing::q5_k:
      return q45_k_row(data, matrix.cols, true, out);
  }
}

}  // namespace ifm
