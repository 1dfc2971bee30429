#include "inferometer/model/rope.h"

#include <array>
#include <cmath>

#include <gtest/gtest.h>

namespace ifm {
namespace {

// Expected: 1 / Llama3RoPE._freqs of mlx-lm 0.32.2 for Llama-3.2-1B (dims 64, base 500000, factor 32, low 1, high 4, 8192), every
// fourth; mlx computes them in f32.
TEST(Rope, Llama3ScalingMatchesMlxLm) {
  const Rope rope({.theta = 500000, .llama3 = RopeConfig::Llama3{32, 1, 4, 8192}}, 64);
  constexpr std::array<double, 8> kExpected{1.0,
                                            0.193922758102417,
                                            0.03760603070259094,
                                            0.00729266507551074,
                                            0.00042955667595379055,
                                            8.570255886297673e-06,
                                            1.6619674170215148e-06,
                                            3.2229328894572973e-07};
  for (std::size_t i = 0; i < kExpected.size(); ++i) EXPECT_NEAR(rope.frequencies()[4 * i] / kExpected[i], 1.0, 1e-5) << i;
}

TEST(Rope, FrequencyFactorsDivide) {
  const Rope plain({.theta = 10000}, 4);
  const Rope slowed({.theta = 10000, .frequency_factors = {1, 8}}, 4);
  EXPECT_EQ(plain.frequencies()[0], slowed.frequencies()[0]);
  EXPECT_EQ(plain.frequencies()[1], 0.01);
  EXPECT_EQ(slowed.frequencies()[1], 0.01 / 8);
}

TEST(Rope, AnglesAreThoseOfThePosition) {
  const Rope rope({.theta = 10000}, 4);
  std::array<float, 2> cos{};
  std::array<float, 2> sin{};
  rope.angles(100000, cos.data(), sin.data());
  EXPECT_FLOAT_EQ(cos[0], static_cast<float>(std::cos(100000.0)));
  EXPECT_FLOAT_EQ(sin[1], static_cast<float>(std::sin(1000.0)));
}

}  // namespace
}  // namespace ifm
