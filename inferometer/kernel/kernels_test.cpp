#include "inferometer/kernel/kernels.h"

#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "inferometer/base/error.h"
#include "inferometer/kernel/test_matrix.h"
#include "inferometer/kernel/test_nmse.h"

namespace ifm {
namespace {

using test::noted;

class EachIsa : public ::testing::TestWithParam<std::string> {
 protected:
  const Kernels& kernels_ = kernels_for(GetParam());
};

std::string isa_name(const ::testing::TestParamInfo<std::string>& tested) { return tested.param; }
INSTANTIATE_TEST_SUITE_P(Isa, EachIsa, ::testing::ValuesIn(available_isas()), isa_name);

TEST_P(EachIsa, ElementwiseKernelsAreCloseToDouble) {
  for (const int64_t k : {1, 5, 8, 17, 576}) {
    const auto size = static_cast<std::size_t>(k);
    const std::vector<float> x = make_test_activations(k, k, 0, 21);
    const std::vector<float> y = make_test_activations(k, k, 0, 22);
    std::vector<float> out(size);
    std::vector<double> expected(size);

    double squares = 0;
    for (const float v : x) squares += static_cast<double>(v) * static_cast<double>(v);
    for (std::size_t i = 0; i < size; ++i) {
      expected[i] = static_cast<double>(x[i]) / std::sqrt(squares / static_cast<double>(k) + 1e-5) * static_cast<double>(y[i]);
    }
    kernels_.rms_norm(x.data(), y.data(), k, 1e-5F, out.data());
    EXPECT_LE(noted("RMSNorm", nmse(out, expected)), 1e-12) << k;

    for (std::size_t i = 0; i < size; ++i) {
      expected[i] = static_cast<double>(x[i]) / (1 + std::exp(-static_cast<double>(x[i]))) * static_cast<double>(y[i]);
    }
    kernels_.swiglu(x.data(), y.data(), k, out.data());
    EXPECT_LE(noted("SwiGLU", nmse(out, expected)), 1e-12) << k;

    double total = 0;
    const float top = *std::max_element(x.begin(), x.end());
    for (std::size_t i = 0; i < size; ++i)
      total += expected[i] = std::exp((static_cast<double>(x[i]) - static_cast<double>(top)) / 0.7);
    const double sum = kernels_.exp_weights(x.data(), k, top, static_cast<float>(1 / 0.7), out.data());
    EXPECT_LE(noted("softmax", nmse(out, expected)), 1e-12) << k;
    EXPECT_NEAR(sum / total, 1.0, 1e-6);
  }
}

TEST_P(EachIsa, ExpWeightsFarBelowTheTopAreZero) {
  std::vector<float> x(40, -1e30F);
  x[5] = 0;
  std::vector<float> out(40);
  EXPECT_EQ(kernels_.exp_weights(x.data(), 40, 0, 1e30F, out.data()), 1);
  for (std::size_t i = 0; i < 40; ++i) EXPECT_EQ(out[i], i == 5 ? 1.0F : 0.0F) << i;
}

TEST_P(EachIsa, LargestIsNaNWhenOneValueIsNotFinite) {
  for (const int64_t k : {1, 7, 16, 37, 100}) {
    std::vector<float> x = make_test_activations(k, k, 0, 23);
    EXPECT_EQ(kernels_.largest(x.data(), k), *std::max_element(x.begin(), x.end())) << k;
    for (std::size_t i = 0; i < x.size(); ++i) {
      for (const float bad : {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(),
                              std::numeric_limits<float>::quiet_NaN()}) {
        const float good = std::exchange(x[i], bad);
        EXPECT_TRUE(std::isnan(kernels_.largest(x.data(), k))) << k << " values, " << bad << " at " << i;
        x[i] = good;
      }
    }
  }
}

TEST_P(EachIsa, SearchesByValueFindWhatAScalarLoopFinds) {
  for (const int64_t k : {1, 5, 8, 15, 16, 17, 100, 576}) {
    std::vector<float> x = make_test_activations(k, k, 0, 24);
    for (float& v : x) v = std::round(4 * v) / 4;  // so that many are equal to a bound
    for (const float low : {-0.5F, 0.0F, 0.25F, 9.0F}) {
      std::vector<int32_t> expected;
      int64_t above = 0;
      double sum = 0;
      for (std::size_t i = 0; i < x.size(); ++i) {
        if (x[i] >= low && x[i] <= 0.75F) expected.push_back(static_cast<int32_t>(i));
        above += x[i] > low ? 1 : 0;
        sum += x[i] > low ? static_cast<double>(x[i]) : 0.0;  // exact: multiples of 1/4
      }
      std::vector<int32_t> found(x.size());
      found.resize(static_cast<std::size_t>(kernels_.indices_within(x.data(), k, low, 0.75F, found.data())));
      EXPECT_EQ(found, expected) << k << " values from " << low;
      EXPECT_EQ(kernels_.count_above(x.data(), k, low), above) << k << " values above " << low;
      EXPECT_EQ(kernels_.sum_above(x.data(), k, low), sum) << k << " values above " << low;
    }
  }
}

TEST_P(EachIsa, RmsNormOfAnInfiniteValueIsNaNEverywhere) {
  std::vector<float> x(40, 1.0F);
  x[3] = std::numeric_limits<float>::infinity();
  std::vector<float> out(40);
  kernels_.rms_norm(x.data(), std::vector<float>(40, 1.0F).data(), 40, 1e-5F, out.data());
  for (const float v : out) EXPECT_TRUE(std::isnan(v));
}

TEST_P(EachIsa, RopeTurnsPairs) {
  for (const bool interleaved : {false, true}) {
    std::vector<float> x = make_test_activations(3 * 20, 20, 0, 31);
    const std::vector<float> before = x;
    std::vector<float> cos(10);
    std::vector<float> sin(10);
    for (std::size_t i = 0; i < 10; ++i) {
      cos[i] = std::cos(static_cast<float>(i));
      sin[i] = std::sin(static_cast<float>(i));
    }
    kernels_.rope(x.data(), 3, 20, cos.data(), sin.data(), interleaved);
    for (std::size_t h = 0; h < 3; ++h) {
      for (std::size_t i = 0; i < 10; ++i) {
        const std::size_t a = 20 * h + (interleaved ? 2 * i : i);
        const std::size_t b = 20 * h + (interleaved ? 2 * i + 1 : i + 10);
        EXPECT_NEAR(x[a], before[a] * cos[i] - before[b] * sin[i], 1e-6F);
        EXPECT_NEAR(x[b], before[a] * sin[i] + before[b] * cos[i], 1e-6F);
      }
    }
  }
}

TEST(Dispatch, NamesWhatThereIsWhenAskedForWhatIsNot) {
  try {
    (void)kernels_for("avx1024");
    FAIL() << "an unknown set was accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    EXPECT_NE(error.message().find("reference"), std::string::npos);
  }
}

}  // namespace
}  // namespace ifm
