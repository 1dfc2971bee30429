#include "inferometer/tensor/dtype.h"

#include <bit>
#include <cmath>
#include <limits>
#include <string>

#include <gtest/gtest.h>

namespace ifm {
namespace {

TEST(DTypeInfo, BlockSizesMatchGguf) {  // GGML_QUANT_SIZES of the PyPI package gguf 0.19.0
  const auto sizes = [](DType dtype) { return std::pair(info(dtype).block_elements, info(dtype).block_bytes); };
  EXPECT_EQ(sizes(DType::f32), std::pair(1, 4));
  EXPECT_EQ(sizes(DType::bf16), std::pair(1, 2));
  EXPECT_EQ(sizes(DType::q4_0), std::pair(32, 18));
  EXPECT_EQ(sizes(DType::q4_1), std::pair(32, 20));
  EXPECT_EQ(sizes(DType::q5_0), std::pair(32, 22));
  EXPECT_EQ(sizes(DType::q5_1), std::pair(32, 24));
  EXPECT_EQ(sizes(DType::q8_0), std::pair(32, 34));
  EXPECT_EQ(sizes(DType::q2_k), std::pair(256, 84));
  EXPECT_EQ(sizes(DType::q3_k), std::pair(256, 110));
  EXPECT_EQ(sizes(DType::q4_k), std::pair(256, 144));
  EXPECT_EQ(sizes(DType::q5_k), std::pair(256, 176));
  EXPECT_EQ(sizes(DType::q6_k), std::pair(256, 210));
  EXPECT_EQ(info(DType::q6_k).name, "q6_k");
  EXPECT_EQ(info(DType::boolean).name, "bool");
}

TEST(Half, EveryPatternHasTheValueOfIeee754) {
  for (uint32_t bits = 0; bits < 0x8000; ++bits) {
    const int exponent = static_cast<int>(bits >> 10);
    const int mantissa = static_cast<int>(bits & 0x3FF);
    const float value = f16_to_f32(static_cast<uint16_t>(bits));
    const float negative = f16_to_f32(static_cast<uint16_t>(bits | 0x8000));
    if (exponent == 31 && mantissa != 0) {
      EXPECT_TRUE(std::isnan(value) && std::isnan(negative)) << bits;
      continue;
    }
    float expected = exponent == 0 ? std::ldexp(static_cast<float>(mantissa), -24)
                                   : std::ldexp(static_cast<float>(1024 + mantissa), exponent - 25);
    if (exponent == 31) expected = std::numeric_limits<float>::infinity();
    EXPECT_EQ(value, expected) << bits;
    EXPECT_EQ(negative, -expected) << bits;
    EXPECT_TRUE(std::signbit(negative)) << bits;
  }
}

TEST(Half, RoundsToNearestEvenBetweenAnyTwoNeighbours) {
  for (uint32_t bits = 0; bits < 0x7BFF; ++bits) {
    const float low = f16_to_f32(static_cast<uint16_t>(bits));
    const float high = f16_to_f32(static_cast<uint16_t>(bits + 1));
    const float middle = low + (high - low) / 2;  // exact: one more bit than a half has
    EXPECT_EQ(f32_to_f16(low), bits);
    EXPECT_EQ(f32_to_f16(middle), bits % 2 == 0 ? bits : bits + 1);
    EXPECT_EQ(f32_to_f16(std::nextafter(middle, low)), bits);
    EXPECT_EQ(f32_to_f16(std::nextafter(middle, high)), bits + 1);
    EXPECT_EQ(f32_to_f16(-middle), 0x8000U | (bits % 2 == 0 ? bits : bits + 1));
  }
}

TEST(Half, OverflowBecomesInfinityAndNanStaysNan) {
  EXPECT_EQ(f32_to_f16(65504.0F), 0x7BFF);
  EXPECT_EQ(f32_to_f16(65519.996F), 0x7BFF);
  EXPECT_EQ(f32_to_f16(65520.0F), 0x7C00);
  EXPECT_EQ(f32_to_f16(1e30F), 0x7C00);
  EXPECT_EQ(f32_to_f16(-std::numeric_limits<float>::infinity()), 0xFC00);
  EXPECT_TRUE(std::isnan(f16_to_f32(f32_to_f16(std::numeric_limits<float>::quiet_NaN()))));
  EXPECT_TRUE(std::isnan(f16_to_f32(f32_to_f16(std::bit_cast<float>(0x7F800001U)))));
  EXPECT_EQ(f32_to_f16(std::numeric_limits<float>::denorm_min()), 0);
}

TEST(Bfloat16, RoundsToNearestEven) {
  EXPECT_EQ(f32_to_bf16(1.0F), 0x3F80);
  EXPECT_EQ(f32_to_bf16(std::bit_cast<float>(0x3F808000U)), 0x3F80);  // tie to even, down
  EXPECT_EQ(f32_to_bf16(std::bit_cast<float>(0x3F818000U)), 0x3F82);  // tie to even, up
  EXPECT_EQ(f32_to_bf16(std::bit_cast<float>(0x3F808001U)), 0x3F81);
  EXPECT_EQ(f32_to_bf16(std::numeric_limits<float>::max()), 0x7F80);
  EXPECT_EQ(f32_to_bf16(-0.0F), 0x8000);
  EXPECT_TRUE(std::isnan(bf16_to_f32(f32_to_bf16(std::bit_cast<float>(0xFFFFFFFFU)))));
  EXPECT_TRUE(std::isnan(bf16_to_f32(f32_to_bf16(std::bit_cast<float>(0x7F800001U)))));
  for (uint32_t bits = 0; bits < 0x7F80; ++bits) {
    EXPECT_EQ(f32_to_bf16(bf16_to_f32(static_cast<uint16_t>(bits))), bits);
  }
}

}  // namespace
}  // namespace ifm
