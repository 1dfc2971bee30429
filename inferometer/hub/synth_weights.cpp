#include "inferometer/hub/synth_weights.h"

#include <cmath>
#include <cstring>

#include "inferometer/base/check.h"
#include "inferometer/base/rng.h"

namespace ifm {
namespace {

constexpr int64_t kGroup = 64;
constexpr int64_t kBlock = 32;
constexpr uint64_t kNibbleStream = 0;
constexpr uint64_t kScaleStream = 1;
/// sd of q - 8 when q is uniform over 0..15 and 0 counts as 8: sqrt((2 * (1 + 4 + … + 49)) / 16).
const double kNibbleSd = std::sqrt(17.5);

std::size_t size(int64_t count) { return static_cast<std::size_t>(count); }

template <typename Convert>
std::vector<std::byte> sixteen_bit(const SynthMatrix& matrix, const Convert& convert) {
  const std::size_t groups = size(matrix.cols() / kGroup);
  std::vector<float> scales(groups);
  std::vector<std::byte> result(size(matrix.rows()) * groups * 2);
  std::byte* out = result.data();
  for (int64_t row = 0; row < matrix.rows(); ++row) {
    matrix.scales(row, scales);
    for (const float scale : scales) {
      const uint16_t bits = convert(scale);
      std::memcpy(out, &bits, 2);
      out += 2;
    }
  }
  return result;
}

/// One block: its scale, for q4_1 its minimum, then 32 weights. from: 16 bytes, low nibble first.
void put_block(DType type, float scale, const uint8_t* from, std::byte* out) {
  const auto put_f16 = [&out](float value) {
    const uint16_t bits = f32_to_f16(value);
    std::memcpy(out, &bits, 2);
    out += 2;
  };
  const auto weight = [from](std::size_t j) { return static_cast<uint8_t>(j % 2 == 0 ? from[j / 2] & 15 : from[j / 2] >> 4); };
  put_f16(scale);
  if (type == DType::q4_1) put_f16(-8 * scale);
  if (type == DType::q8_0) {
    for (std::size_t j = 0; j < size(kBlock); ++j) out[j] = static_cast<std::byte>(weight(j) - 8);
    return;
  }
  for (std::size_t j = 0; j < size(kBlock) / 2; ++j) out[j] = static_cast<std::byte>(weight(j) | (weight(j + 16) << 4));
}

/// The row of ours that lies at `row` in GGUF's order: (heads, 2, d/2) becomes (heads, d/2, 2).
int64_t row_for_gguf(int64_t row, int64_t head_dim) {
  if (head_dim == 0) return row;
  const int64_t within = row % head_dim;
  return row - within + (within % 2) * (head_dim / 2) + within / 2;
}

}  // namespace

SynthMatrix::SynthMatrix(uint64_t seed, std::string_view name, int64_t rows, int64_t cols, double sd)
    : seed_(seed), rows_(rows), cols_(cols), scale_(sd / kNibbleSd) {
  IFM_CHECK(cols % kGroup == 0);
  for (const char c : name) seed_ = (seed_ ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;  // FNV-1a
}

uint64_t SynthMatrix::row_seed(int64_t row, uint64_t stream) const {
  uint64_t state = seed_ + static_cast<uint64_t>(row) * 2 + stream;
  return splitmix64(state);
}

void SynthMatrix::nibbles(int64_t row, std::span<uint8_t> out) const {
  IFM_DCHECK(out.size() == size(cols_ / 2));
  Rng rng(row_seed(row, kNibbleStream));
  constexpr uint64_t kOnes = 0x1111111111111111ULL;
  for (std::size_t i = 0; i < out.size(); i += sizeof(uint64_t)) {
    uint64_t word = rng();
    const uint64_t zero = ~(word | (word >> 1) | (word >> 2) | (word >> 3)) & kOnes;  // the lowest bit of each nibble that is 0
    word |= zero << 3;                                                                // 0 becomes 8, so that the mean is 8
    for (std::size_t byte = 0; byte < sizeof(uint64_t); ++byte) out[i + byte] = static_cast<uint8_t>(word >> (8 * byte));
  }
}

void SynthMatrix::scales(int64_t row, std::span<float> out) const {
  IFM_DCHECK(out.size() == size(cols_ / kGroup));
  Rng rng(row_seed(row, kScaleStream));
  // 0.75 to 1.25 of the mean; 8 significant bits fit into bf16 and f16 alike, and so does -8 times it.
  for (float& scale : out) scale = bf16_to_f32(f32_to_bf16(static_cast<float>(scale_ * (0.75 + 0.5 * rng.uniform()))));
}

std::vector<std::byte> synth_affine_weights(const SynthMatrix& matrix) {
  const std::size_t row_bytes = size(matrix.cols() / 2);
  std::vector<uint8_t> row(row_bytes);
  std::vector<std::byte> result(size(matrix.rows()) * row_bytes);
  for (int64_t r = 0; r < matrix.rows(); ++r) {
    matrix.nibbles(r, row);
    std::memcpy(result.data() + size(r) * row_bytes, row.data(), row_bytes);
  }
  return result;
}

std::vector<std::byte> synth_affine_scales(const SynthMatrix& matrix) {
  return sixteen_bit(matrix, [](float scale) { return f32_to_bf16(scale); });
}

std::vector<std::byte> synth_affine_biases(const SynthMatrix& matrix) {
  return sixteen_bit(matrix, [](float scale) { return f32_to_bf16(-8 * scale); });
}

std::vector<std::byte> synth_blocks(const SynthMatrix& matrix, DType type, int64_t head_dim) {
  IFM_CHECK(type == DType::q4_0 || type == DType::q4_1 || type == DType::q8_0);
  const std::size_t block_bytes = size(info(type).block_bytes);
  const std::size_t blocks = size(matrix.cols() / kBlock);
  std::vector<uint8_t> nibbles(size(matrix.cols() / 2));
  std::vector<float> scales(size(matrix.cols() / kGroup));
  std::vector<std::byte> result(size(matrix.rows()) * blocks * block_bytes);
  std::byte* out = result.data();
  for (int64_t r = 0; r < matrix.rows(); ++r) {
    const int64_t row = row_for_gguf(r, head_dim);
    matrix.nibbles(row, nibbles);
    matrix.scales(row, scales);
    for (std::size_t block = 0; block < blocks; ++block, out += block_bytes) {
      put_block(type, scales[block / 2], nibbles.data() + block * (kBlock / 2), out);
    }
  }
  return result;
}

}  // namespace ifm
