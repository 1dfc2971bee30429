#include "inferometer/kernel/test_matrix.h"

#include <cmath>
#include <cstring>
#include <numbers>

#include "inferometer/base/check.h"
#include "inferometer/tensor/dtype.h"

namespace ifm {
namespace {

void put(std::vector<std::byte>& to, std::size_t at, const void* from, std::size_t size) {
  std::memcpy(to.data() + at, from, size);
}

void put_scale(std::vector<std::byte>& to, std::size_t index, float value, DType dtype) {
  const uint16_t half = dtype == DType::f16 ? f32_to_f16(value) : f32_to_bf16(value);
  if (dtype == DType::f32) {
    put(to, 4 * index, &value, 4);
  } else {
    put(to, 2 * index, &half, 2);
  }
}

/// Bytes of a row, of a block, and where in a block the f16 scale and minimum stand (-1 = none).
struct Blocks {
  int64_t row_bytes = 0;
  int64_t block_bytes = 0;
  int scale_at = -1;
  int minimum_at = -1;
  float scale = 1;    // relative to a weight's size
  float minimum = 0;  // relative to the scale; centres the weights
};

Blocks blocks_of(Packing packing, int64_t cols) {
  switch (packing) {
    case Packing::f32:
      return {4 * cols, 4};
    case Packing::f16:
    case Packing::bf16:
      return {2 * cols, 2};
    case Packing::affine4:
      return {cols / 2, 0};
    case Packing::affine8:
      return {cols, 0};
    case Packing::q4_0:
      return {cols / 32 * 18, 18, 0, -1, 0.25F};
    case Packing::q4_1:
      return {cols / 32 * 20, 20, 0, 2, 0.25F, -7.5F};
    case Packing::q8_0:
      return {cols / 32 * 34, 34, 0, -1, 0.015F};
    case Packing::q6_k:
      return {cols / 256 * 210, 210, 208, -1, 0.001F};
    case Packing::q5_0:
      return {cols / 32 * 22, 22, 0, -1, 0.125F};
    case Packing::q5_1:
      return {cols / 32 * 24, 24, 0, 2, 0.125F, -15.5F};
    case Packing::q4_k:
      return {cols / 256 * 144, 144, 0, 2, 0.008F, 7.5F};
    case Packing::q5_k:
      return {cols / 256 * 176, 176, 0, 2, 0.004F, 15.5F};
  }
  return {};
}

double normal(Rng& rng) {  // Box-Muller
  const double u = 1 - rng.uniform();
  return std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * rng.uniform());
}

void fill_plain(TestMatrix& m, Packing packing, float size, Rng& rng) {
  const std::size_t width = packing == Packing::f32 ? 4 : 2;
  for (std::size_t i = 0; i < m.data.size() / width; ++i) {
    const auto value = static_cast<float>(normal(rng)) * size;
    const uint16_t half = packing == Packing::f16 ? f32_to_f16(value) : f32_to_bf16(value);
    put(m.data, i * width, packing == Packing::f32 ? static_cast<const void*>(&value) : &half, width);
  }
}

}  // namespace

TestMatrix make_test_matrix(Packing packing, int64_t rows, int64_t cols, int group, DType scale_dtype, uint64_t seed) {
  TestMatrix m;
  Rng rng(seed);
  const Blocks blocks = blocks_of(packing, cols);
  const auto size = static_cast<float>(1 / std::sqrt(static_cast<double>(cols)));
  m.data.resize(static_cast<std::size_t>(rows * blocks.row_bytes));
  for (std::byte& b : m.data) b = static_cast<std::byte>(rng());
  if (packing == Packing::f32 || packing == Packing::f16 || packing == Packing::bf16) fill_plain(m, packing, size, rng);
  for (std::size_t at = 0; blocks.scale_at >= 0 && at < m.data.size(); at += static_cast<std::size_t>(blocks.block_bytes)) {
    const float step = size * blocks.scale * static_cast<float>(0.5 + rng.uniform());
    const uint16_t scale = f32_to_f16(step);
    const uint16_t minimum = f32_to_f16(blocks.minimum * step);
    put(m.data, at + static_cast<std::size_t>(blocks.scale_at), &scale, 2);
    if (blocks.minimum_at >= 0) put(m.data, at + static_cast<std::size_t>(blocks.minimum_at), &minimum, 2);
  }
  if (packing == Packing::affine4 || packing == Packing::affine8) {
    IFM_CHECK(cols % group == 0);
    const auto groups = static_cast<std::size_t>(rows * (cols / group));
    m.scales.resize(groups * (scale_dtype == DType::f32 ? 4 : 2));
    m.biases.resize(m.scales.size());
    const float levels = packing == Packing::affine4 ? 15 : 255;
    for (std::size_t i = 0; i < groups; ++i) {
      const float step = size * 4 / levels * static_cast<float>(0.5 + rng.uniform());
      put_scale(m.scales, i, step, scale_dtype);
      put_scale(m.biases, i, -step * levels * static_cast<float>(0.4 + 0.2 * rng.uniform()), scale_dtype);
    }
  }
  m.view = {packing, rows, cols, group, scale_dtype, m.data.data(), m.scales.data(), m.biases.data(), blocks.row_bytes};
  return m;
}

std::vector<float> make_test_activations(int64_t count, int64_t width, int outliers, uint64_t seed) {
  Rng rng(seed);
  std::vector<float> x(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < x.size(); ++i) {
    x[i] = static_cast<float>(normal(rng));
    if (static_cast<int64_t>(i) % width < outliers) x[i] *= 20;
  }
  return x;
}

}  // namespace ifm
