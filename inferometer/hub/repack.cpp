#include "inferometer/hub/repack.h"

#include <cmath>
#include <cstring>

#include "inferometer/base/check.h"
#include "inferometer/base/error.h"

namespace ifm {
namespace {

constexpr int64_t kBlock = 32;
constexpr std::size_t kHalf = sizeof(uint16_t);

/// A GGUF matrix as rows of blocks.
struct Blocks {
  explicit Blocks(const TensorView& tensor) : view(tensor) {
    IFM_CHECK(tensor.shape.size() == 2 && tensor.shape[1] % kBlock == 0);
    rows = tensor.shape[0];
    per_row = tensor.shape[1] / kBlock;
    block_bytes = static_cast<std::size_t>(info(tensor.dtype).block_bytes);
  }
  [[nodiscard]] const std::byte* at(int64_t row, int64_t block) const {
    return view.bytes.data() + static_cast<std::size_t>(row * per_row + block) * block_bytes;
  }
  const TensorView& view;
  int64_t rows = 0;
  int64_t per_row = 0;
  std::size_t block_bytes = 0;
};

/// Calls each(block, index of the block in the result) in the result's order.
template <typename Each>
void for_each_block(const Blocks& blocks, const RowOrder& order, const Each& each) {
  std::size_t index = 0;
  for (int64_t row = 0; row < blocks.rows; ++row) {
    const int64_t source = order.source(row);
    for (int64_t block = 0; block < blocks.per_row; ++block) each(blocks.at(source, block), index++);
  }
}

/// GGML: byte j holds weights j and j + 16. MLX: byte j holds weights 2j and 2j + 1.
void repack_nibbles(const std::byte* from, std::byte* to) {
  constexpr std::byte kLow{0x0F};
  constexpr std::byte kHigh{0xF0};
  for (std::size_t j = 0; j < 8; ++j) {
    to[j] = (from[2 * j] & kLow) | ((from[2 * j + 1] & kLow) << 4);
    to[j + 8] = (from[2 * j] >> 4) | (from[2 * j + 1] & kHigh);
  }
}

}  // namespace

std::optional<AffineConfig> affine_form(DType dtype) {
  switch (dtype) {
    case DType::q4_0:
    case DType::q4_1:
      return AffineConfig{4, kBlock};
    case DType::q8_0:
      return AffineConfig{8, kBlock};
    default:
      return std::nullopt;
  }
}

std::vector<std::byte> affine_weights(const TensorView& tensor, const RowOrder& order) {
  const Blocks blocks(tensor);
  const std::size_t packed = tensor.dtype == DType::q8_0 ? 32 : 16;
  const std::size_t before = tensor.dtype == DType::q4_1 ? 2 * kHalf : kHalf;
  std::vector<std::byte> result(static_cast<std::size_t>(blocks.rows * blocks.per_row) * packed);
  for_each_block(blocks, order, [&](const std::byte* block, std::size_t index) {
    std::byte* out = result.data() + index * packed;
    if (tensor.dtype != DType::q8_0) return repack_nibbles(block + before, out);
    for (std::size_t j = 0; j < packed; ++j) out[j] = block[before + j] ^ std::byte{0x80};  // q + 128 as an unsigned byte
  });
  return result;
}

std::vector<std::byte> affine_scales(const TensorView& tensor, const RowOrder& order) {
  const Blocks blocks(tensor);
  std::vector<std::byte> result(static_cast<std::size_t>(blocks.rows * blocks.per_row) * kHalf);
  for_each_block(blocks, order,
                 [&](const std::byte* block, std::size_t index) { std::memcpy(result.data() + index * kHalf, block, kHalf); });
  return result;
}

std::vector<std::byte> affine_biases(const TensorView& tensor, const RowOrder& order) {
  const Blocks blocks(tensor);
  const float zero_point = tensor.dtype == DType::q8_0 ? -128.0F : -8.0F;
  std::vector<std::byte> result(static_cast<std::size_t>(blocks.rows * blocks.per_row) * kHalf);
  for_each_block(blocks, order, [&](const std::byte* block, std::size_t index) {
    uint16_t bias = 0;
    if (tensor.dtype == DType::q4_1) {
      std::memcpy(&bias, block + kHalf, kHalf);
    } else {
      uint16_t scale = 0;
      std::memcpy(&scale, block, kHalf);
      const float exact = zero_point * f16_to_f32(scale);  // a power of two: only the exponent changes
      bias = f32_to_f16(exact);
      if (!std::isfinite(f16_to_f32(bias))) {
        fail(ErrorKind::unsupported, "{}: scale {} of block {} has no MLX bias of 16 bits (expected less than {})", tensor.name,
             f16_to_f32(scale), index, 65536.0F / -zero_point);
      }
    }
    std::memcpy(result.data() + index * kHalf, &bias, kHalf);
  });
  return result;
}

std::vector<std::byte> plain_rows(const TensorView& tensor, const RowOrder& order) {
  std::vector<std::byte> result(tensor.bytes.size());
  const int64_t rows = tensor.shape.empty() ? 1 : tensor.shape.front();
  if (rows == 0) return result;
  const std::size_t row_bytes = tensor.bytes.size() / static_cast<std::size_t>(rows);
  for (int64_t row = 0; row < rows; ++row) {
    std::memcpy(result.data() + static_cast<std::size_t>(row) * row_bytes,
                tensor.bytes.data() + static_cast<std::size_t>(order.source(row)) * row_bytes, row_bytes);
  }
  return result;
}

}  // namespace ifm
