#include "inferometer/tensor/weight_matrix.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace ifm {
namespace {

using Bytes = std::vector<std::byte>;

Bytes from_hex(const std::string& text) {
  Bytes bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    bytes.push_back(static_cast<std::byte>(std::stoi(text.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

std::vector<float> floats(const Bytes& bytes) {
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

std::vector<float> row_of(const WeightMatrix& matrix, int64_t row) {
  std::vector<float> values(static_cast<std::size_t>(matrix.cols), -1.0F);
  dequantize_row(matrix, row, values.data());
  return values;
}

nlohmann::json golden(const std::string& name) {
  std::ifstream file(std::string(IFM_SOURCE_DIR) + "/tests/golden/format/" + name);
  return nlohmann::json::parse(file).at("cases");
}

void put_f16(Bytes& bytes, float value) {
  const uint16_t bits = f32_to_f16(value);
  bytes.push_back(static_cast<std::byte>(bits & 0xFF));
  bytes.push_back(static_cast<std::byte>(bits >> 8));
}

WeightMatrix blocked(Packing packing, DType dtype, const Bytes& bytes, int64_t cols) {
  WeightMatrix matrix;
  matrix.packing = packing;
  matrix.rows = 1;
  matrix.cols = cols;
  matrix.data = bytes.data();
  matrix.row_bytes = cols / info(dtype).block_elements * info(dtype).block_bytes;
  return matrix;
}

TEST(DequantizeRow, Q4BlocksHoldWeightJAndJPlus16InByteJ) {
  Bytes q4_0;
  put_f16(q4_0, 0.5F);
  Bytes q4_1;
  put_f16(q4_1, 0.5F);
  put_f16(q4_1, -2.0F);
  for (int j = 0; j < 16; ++j) {
    const auto byte = static_cast<std::byte>(j | (15 - j) << 4);
    q4_0.push_back(byte);
    q4_1.push_back(byte);
  }
  const auto without_minimum = row_of(blocked(Packing::q4_0, DType::q4_0, q4_0, 32), 0);
  const auto with_minimum = row_of(blocked(Packing::q4_1, DType::q4_1, q4_1, 32), 0);
  for (int i = 0; i < 32; ++i) {
    const float q = static_cast<float>(i < 16 ? i : 31 - i);
    EXPECT_EQ(without_minimum[static_cast<std::size_t>(i)], 0.5F * (q - 8.0F)) << i;
    EXPECT_EQ(with_minimum[static_cast<std::size_t>(i)], 0.5F * q - 2.0F) << i;
  }
}

TEST(DequantizeRow, Q8BlockIsSigned) {
  Bytes bytes;
  put_f16(bytes, 0.25F);
  for (int j = 0; j < 32; ++j) bytes.push_back(static_cast<std::byte>(static_cast<int8_t>(j * 8 - 128)));
  const auto row = row_of(blocked(Packing::q8_0, DType::q8_0, bytes, 32), 0);
  for (int j = 0; j < 32; ++j) EXPECT_EQ(row[static_cast<std::size_t>(j)], 0.25F * static_cast<float>(j * 8 - 128));
}

struct GgmlPacking {
  const char* name;
  Packing packing;
  DType dtype;
};
constexpr GgmlPacking kGgmlPackings[] = {
    {"Q4_0", Packing::q4_0, DType::q4_0}, {"Q4_1", Packing::q4_1, DType::q4_1}, {"Q8_0", Packing::q8_0, DType::q8_0},
    {"Q6_K", Packing::q6_k, DType::q6_k}, {"Q5_0", Packing::q5_0, DType::q5_0}, {"Q5_1", Packing::q5_1, DType::q5_1},
    {"Q4_K", Packing::q4_k, DType::q4_k}, {"Q5_K", Packing::q5_k, DType::q5_k}, {"F16", Packing::f16, DType::f16},
    {"BF16", Packing::bf16, DType::bf16},
};

// Random blocks against the PyPI package gguf 0.19.0, bit for bit, at an aligned and at an odd address.
TEST(DequantizeRow, MatchesGgufPackageBitForBit) {
  const auto cases = golden("ggml_blocks.json");
  ASSERT_EQ(cases.size(), std::size(kGgmlPackings));
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const GgmlPacking& kind = kGgmlPackings[i];
    ASSERT_EQ(cases[i].at("type"), kind.name);
    Bytes bytes = from_hex(cases[i].at("data").get<std::string>());
    const auto expected = floats(from_hex(cases[i].at("f32").get<std::string>()));
    ASSERT_FALSE(expected.empty());
    for (int shift = 0; shift < 2; ++shift) {
      WeightMatrix matrix = blocked(kind.packing, kind.dtype, bytes, static_cast<int64_t>(expected.size()));
      matrix.data += shift;
      const auto got = row_of(matrix, 0);
      EXPECT_EQ(std::memcmp(got.data(), expected.data(), expected.size() * sizeof(float)), 0) << kind.name << " at " << shift;
      bytes.insert(bytes.begin(), std::byte{0});
    }
  }
}

TEST(FloatToHalf, MatchesGgufPackage) {
  int compared = 0;
  for (const auto& entry : golden("ggml_blocks.json")) {
    if (!entry.contains("source")) continue;
    const auto source = floats(from_hex(entry.at("source").get<std::string>()));
    const Bytes expected = from_hex(entry.at("data").get<std::string>());
    for (std::size_t i = 0; i < source.size(); ++i) {
      const uint16_t bits = entry.at("type") == "F16" ? f32_to_f16(source[i]) : f32_to_bf16(source[i]);
      uint16_t wanted = 0;
      std::memcpy(&wanted, expected.data() + 2 * i, sizeof wanted);
      EXPECT_EQ(bits, wanted) << entry.at("type") << ' ' << source[i];
      ++compared;
    }
  }
  EXPECT_EQ(compared, 128);
}

WeightMatrix affine(int bits, int group, int64_t rows, int64_t cols) {
  WeightMatrix matrix;
  matrix.packing = bits == 4 ? Packing::affine4 : Packing::affine8;
  matrix.rows = rows;
  matrix.cols = cols;
  matrix.group = group;
  matrix.row_bytes = cols * bits / 8;
  return matrix;
}

// mx.quantize and mx.dequantize of the PyPI package mlx; it may contract scale * q + bias, which differs by one rounding of the
// product.
TEST(DequantizeRow, MatchesMlxWithinOneRounding) {
  const auto cases = golden("mlx_affine.json");
  ASSERT_EQ(cases.size(), 6U);
  for (const auto& entry : cases) {
    const Bytes data = from_hex(entry.at("data").get<std::string>());
    const Bytes scales = from_hex(entry.at("scales").get<std::string>());
    const Bytes biases = from_hex(entry.at("biases").get<std::string>());
    WeightMatrix matrix = affine(entry.at("bits"), entry.at("group"), entry.at("rows"), entry.at("cols"));
    matrix.scale_dtype = DType::f32;
    matrix.data = data.data();
    matrix.scales = scales.data();
    matrix.biases = biases.data();
    ASSERT_EQ(static_cast<int64_t>(data.size()), matrix.rows * matrix.row_bytes);
    EXPECT_EQ(bytes_of(matrix), static_cast<int64_t>(data.size() + scales.size() + biases.size()));
    const auto expected = floats(from_hex(entry.at("f32").get<std::string>()));
    const auto scale_values = floats(scales);
    const auto bias_values = floats(biases);
    for (int64_t row = 0; row < matrix.rows; ++row) {
      const auto got = row_of(matrix, row);
      for (int64_t col = 0; col < matrix.cols; ++col) {
        const auto group = static_cast<std::size_t>(row * (matrix.cols / matrix.group) + col / matrix.group);
        const float wanted = expected[static_cast<std::size_t>(row * matrix.cols + col)];
        const float product = wanted - bias_values[group];
        const float bound = std::numeric_limits<float>::epsilon() * (std::fabs(product) + std::fabs(wanted));
        EXPECT_NEAR(got[static_cast<std::size_t>(col)], wanted, bound) << entry.at("bits") << ' ' << row << ' ' << col;
        EXPECT_NE(scale_values[group], 0.0F);
      }
    }
  }
}

TEST(DequantizeRow, AffineReadsScalesOfEveryTypeAtOddAddresses) {
  const float scales[] = {0.5F, -0.25F};  // exact in all three types
  const float biases[] = {-4.0F, 2.0F};
  Bytes data(33);
  for (std::size_t i = 0; i < 32; ++i) data[i + 1] = static_cast<std::byte>(i * 7 + 3);
  for (const DType dtype : {DType::f16, DType::bf16, DType::f32}) {
    const auto width = static_cast<std::size_t>(info(dtype).block_bytes);
    Bytes scale_bytes(1 + 2 * width);
    Bytes bias_bytes(1 + 2 * width);
    for (std::size_t i = 0; i < 2; ++i) {
      const auto store = [&](Bytes& out, float value) {
        const uint32_t bits = dtype == DType::f16    ? f32_to_f16(value)
                              : dtype == DType::bf16 ? f32_to_bf16(value)
                                                     : std::bit_cast<uint32_t>(value);
        std::memcpy(out.data() + 1 + i * width, &bits, width);
      };
      store(scale_bytes, scales[i]);
      store(bias_bytes, biases[i]);
    }
    WeightMatrix matrix = affine(4, 32, 1, 64);
    matrix.scale_dtype = dtype;
    matrix.data = data.data() + 1;
    matrix.scales = scale_bytes.data() + 1;
    matrix.biases = bias_bytes.data() + 1;
    const auto row = row_of(matrix, 0);
    for (std::size_t i = 0; i < 64; ++i) {
      const int byte = static_cast<int>((i / 2 * 7 + 3) & 0xFF);
      const int q = i % 2 == 0 ? byte & 0xF : byte >> 4;
      EXPECT_EQ(row[i], scales[i / 32] * static_cast<float>(q) + biases[i / 32]) << info(dtype).name << ' ' << i;
    }
    EXPECT_EQ(bytes_of(matrix), static_cast<int64_t>(32 + 4 * width));
  }
}

TEST(DequantizeRow, PlainRowsAreExact) {
  const std::vector<float> source = {1.5F, -0.0F, 3e-40F, 65504.0F};
  WeightMatrix matrix;
  matrix.rows = 2;
  matrix.cols = 2;
  matrix.row_bytes = 8;
  matrix.data = reinterpret_cast<const std::byte*>(source.data());
  EXPECT_THAT(row_of(matrix, 1), testing::ElementsAre(3e-40F, 65504.0F));
  EXPECT_TRUE(std::signbit(row_of(matrix, 0)[1]));
}

TEST(DescribeWeightMatrix, NamesPackingAndGroup) {
  EXPECT_EQ(describe(affine(4, 64, 1, 64)), "4-bit affine, group 64");
  EXPECT_EQ(describe(affine(8, 32, 1, 64)), "8-bit affine, group 32");
  WeightMatrix matrix;
  const std::pair<Packing, const char*> names[] = {{Packing::f32, "F32"},   {Packing::f16, "F16"},   {Packing::bf16, "BF16"},
                                                   {Packing::q4_0, "Q4_0"}, {Packing::q4_1, "Q4_1"}, {Packing::q8_0, "Q8_0"},
                                                   {Packing::q6_k, "Q6_K"}, {Packing::q5_0, "Q5_0"}, {Packing::q5_1, "Q5_1"},
                                                   {Packing::q4_k, "Q4_K"}, {Packing::q5_k, "Q5_K"}};
  for (const auto& [packing, name] : names) {
    matrix.packing = packing;
    EXPECT_EQ(describe(matrix), name);
  }
}

}  // namespace
}  // namespace ifm
