#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "inferometer/tensor/dtype.h"

namespace ifm {

/// A random matrix of 4-bit weights that every format of ours can hold exactly: w = s * (q - 8), q from 1 to 15, one scale s for
/// 64 columns. s is a whole number of units, at most 31 of them, and the unit a power of two: so s fits into a bf16, w into a
/// bf16 too, and a K-quant's super-block has the unit for its scale. Any row can be made at any time, so that nothing is kept.
/// Thread-safe.
class SynthMatrix {
 public:
  /// cols % 64 == 0; `sd`: the weights' standard deviation. The numbers depend on seed, name, rows' index and nothing else.
  SynthMatrix(uint64_t seed, std::string_view name, int64_t rows, int64_t cols, double sd);

  [[nodiscard]] int64_t rows() const { return rows_; }
  [[nodiscard]] int64_t cols() const { return cols_; }
  /// q of a row, two in a byte, low nibble first. out: cols / 2 bytes.
  void nibbles(int64_t row, std::span<uint8_t> out) const;
  /// s of a row in units. out: cols / 64.
  void scales(int64_t row, std::span<uint8_t> out) const;
  [[nodiscard]] float unit() const { return unit_; }

 private:
  [[nodiscard]] uint64_t row_seed(int64_t row, uint64_t stream) const;
  uint64_t seed_ = 0;
  int64_t rows_ = 0;
  int64_t cols_ = 0;
  double scale_ = 0;
  float unit_ = 0;
};

/// MLX affine 4-bit, group 64: weights u32, scales and biases bf16.
[[nodiscard]] std::vector<std::byte> synth_affine_weights(const SynthMatrix& matrix);
[[nodiscard]] std::vector<std::byte> synth_affine_scales(const SynthMatrix& matrix);
[[nodiscard]] std::vector<std::byte> synth_affine_biases(const SynthMatrix& matrix);

}  // namespace ifm
