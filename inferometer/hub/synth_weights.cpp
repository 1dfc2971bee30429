#include "inferometer/hub/synth_weights.h"

#include <cmath>
#include <cstring>

#include "inferometer/base/check.h"
#include "inferometer/base/rng.h"

namespace ifm {
namespace {

constexpr int64_t kGroup = 64;
constexpr double kMostUnits = 31;
constexpr uint64_t kNibbleStream = 0;
constexpr uint64_t kScaleStream = 1;
/// sd of q - 8 when q is uniform over 0..15 and 0 counts as 8: sqrt((2 * (1 + 4 + … + 49)) / 16).
const double kNibbleSd = std::sqrt(17.5);

std::size_t size(int64_t count) { return static_cast<std::size_t>(count); }

template <typename Convert>
std::vector<std::byte> sixteen_bit(const SynthMatrix& matrix, const Convert& convert) {
  const std::size_t groups = size(matrix.cols() / kGroup);
  std::vector<uint8_t> scales(groups);
  std::vector<std::byte> result(size(matrix.rows()) * groups * 2);
  std::byte* out = result.data();
  for (int64_t row = 0; row < matrix.rows(); ++row) {
    matrix.scales(row, scales);
    for (const uint8_t scale : scales) {
      const uint16_t bits = convert(matrix.unit() * static_cast<float>(scale));
      std::memcpy(out, &bits, 2);
      out += 2;
    }
  }
  return result;
}

}  // namespace

SynthMatrix::SynthMatrix(uint64_t seed, std::string_view name, int64_t rows, int64_t cols, double sd)
    : seed_(seed), rows_(rows), cols_(cols), scale_(sd / kNibbleSd) {
  IFM_CHECK(cols % kGroup == 0);
  // The smallest power of two that keeps scales, up to 1.25 of the mean, within 31 units: 15 to 31 of them.
  unit_ = static_cast<float>(std::exp2(std::ceil(std::log2(1.25 * scale_ / kMostUnits))));
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

void SynthMatrix::scales(int64_t row, std::span<uint8_t> out) const {
  IFM_DCHECK(out.size() == size(cols_ / kGroup));
  Rng rng(row_seed(row, kScaleStream));
  const double mean = scale_ / static_cast<double>(unit_);
  for (uint8_t& scale : out) scale = static_cast<uint8_t>(std::lround(mean * (0.75 + 0.5 * rng.uniform())));
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

}  // namespace ifm
