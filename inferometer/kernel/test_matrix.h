#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "inferometer/base/rng.h"
#include "inferometer/tensor/weight_matrix.h"

namespace ifm {

/// For tests and micro-benchmarks: a seeded random matrix of any packing, owning its bytes.
struct TestMatrix {
  std::vector<std::byte> data, scales, biases;
  WeightMatrix view;
};

/// group and scale_dtype matter for affine packings only. Weights have about the size 1 / sqrt(cols).
[[nodiscard]] TestMatrix make_test_matrix(Packing packing, int64_t rows, int64_t cols, int group, DType scale_dtype,
                                          uint64_t seed);

/// (count) standard normal values, the first `outliers` columns of each `width` multiplied by 20.
[[nodiscard]] std::vector<float> make_test_activations(int64_t count, int64_t width, int outliers, uint64_t seed);

/// Normalized mean squared error: sum (a - b)^2 / sum b^2. a and b have the same size.
template <typename Number>
[[nodiscard]] double nmse(const std::vector<float>& a, const std::vector<Number>& b) {
  double error = 0;
  double power = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const auto expected = static_cast<double>(b[i]);
    error += (static_cast<double>(a[i]) - expected) * (static_cast<double>(a[i]) - expected);
    power += expected * expected;
  }
  return error / power;
}

}  // namespace ifm
