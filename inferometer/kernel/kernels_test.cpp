#include "inferometer/kernel/kernels.h"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "inferometer/base/aligned_buffer.h"
#include "inferometer/base/error.h"
#include "inferometer/kernel/test_matrix.h"

namespace ifm {
namespace {

/// Normalized mean squared error: sum (a - b)^2 / sum b^2.
double nmse(const std::vector<float>& a, const std::vector<double>& b) {
  double error = 0;
  double power = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    error += (static_cast<double>(a[i]) - b[i]) * (static_cast<double>(a[i]) - b[i]);
    power += b[i] * b[i];
  }
  return error / power;
}

struct MatrixCase {
  Packing packing;
  int64_t cols;
  int group;
  DType scale_dtype;
};

std::vector<MatrixCase> all_matrices() {
  std::vector<MatrixCase> cases;
  for (const Packing packing : {Packing::affine4, Packing::affine8}) {
    for (const int group : {32, 64, 128}) {
      for (const DType dtype : {DType::f16, DType::bf16, DType::f32}) {
        for (const int64_t groups : {1, 2, 3, 9, 18}) cases.push_back({packing, groups * group, group, dtype});
      }
    }
  }
  for (const Packing packing : {Packing::q4_0, Packing::q4_1, Packing::q8_0}) {
    for (const int64_t cols : {32, 96, 288, 576, 1536}) cases.push_back({packing, cols, 0, DType::f16});
  }
  for (const int64_t cols : {256, 768, 2304}) cases.push_back({Packing::q6_k, cols, 0, DType::f16});
  for (const Packing packing : {Packing::f32, Packing::f16, Packing::bf16}) {
    for (const int64_t cols : {1, 7, 8, 33, 576}) cases.push_back({packing, cols, 0, DType::f16});
  }
  return cases;
}

/// Inputs of one product, rounded by `kernels`, and its outputs.
class Product {
 public:
  Product(const Kernels& kernels, const TestMatrix& matrix, const std::vector<float>& x, int64_t n)
      : kernels_(kernels), w_(matrix.view), scratch_(matmul_scratch_bytes(w_.cols)), n_(n) {
    q_.resize(static_cast<std::size_t>(n * w_.cols));
    scale_.resize(static_cast<std::size_t>(n * (w_.cols / 8)));
    sum_.resize(static_cast<std::size_t>(n * (w_.cols / 32)));
    if (const auto quantize = fast_product(kernels, w_.packing).quantize)
      quantize(x.data(), n, w_.cols, {q_.data(), scale_.data(), sum_.data()});
    activations_ = {n, w_.cols, x.data(), q_.data(), scale_.data(), sum_.data()};
  }

  [[nodiscard]] std::vector<float> run(Accuracy accuracy, int64_t row_step, int64_t token_step) {
    std::vector<float> out(static_cast<std::size_t>(n_ * w_.rows), std::numeric_limits<float>::quiet_NaN());
    for (int64_t row = 0; row < w_.rows; row += row_step) {
      for (int64_t token = 0; token < n_; token += token_step) {
        MatmulTask task{.weights = &w_, .x = &activations_, .out = out.data(), .out_stride = w_.rows};
        task.row_begin = row;
        task.row_end = std::min(w_.rows, row + row_step);
        task.token_begin = token;
        task.token_end = std::min(n_, token + token_step);
        task.scratch = scratch_.data();
        (accuracy == Accuracy::exact ? kernels_.matmul_exact : fast_product(kernels_, w_.packing).matmul)(task);
      }
    }
    return out;
  }

 private:
  const Kernels& kernels_;
  WeightMatrix w_;
  AlignedBuffer<std::byte> scratch_;
  int64_t n_;
  std::vector<int8_t> q_;
  std::vector<float> scale_, sum_;
  Activations activations_;
};

std::vector<double> product_in_double(const TestMatrix& matrix, const std::vector<float>& x, int64_t n) {
  const WeightMatrix& w = matrix.view;
  std::vector<double> out(static_cast<std::size_t>(n * w.rows));
  std::vector<float> row(static_cast<std::size_t>(w.cols));
  for (int64_t r = 0; r < w.rows; ++r) {
    dequantize_row(w, r, row.data());
    for (int64_t t = 0; t < n; ++t) {
      double sum = 0;
      for (std::size_t i = 0; i < row.size(); ++i) {
        sum += static_cast<double>(row[i]) * static_cast<double>(x[static_cast<std::size_t>(t * w.cols) + i]);
      }
      out[static_cast<std::size_t>(t * w.rows + r)] = sum;
    }
  }
  return out;
}

class EachIsa : public ::testing::TestWithParam<std::string> {
 protected:
  const Kernels& kernels_ = kernels_for(GetParam());
};

std::string isa_name(const ::testing::TestParamInfo<std::string>& tested) { return tested.param; }
INSTANTIATE_TEST_SUITE_P(Isa, EachIsa, ::testing::ValuesIn(available_isas()), isa_name);

TEST_P(EachIsa, ExactProductIsCloseToDouble) {
  for (const MatrixCase& c : all_matrices()) {
    const TestMatrix matrix = make_test_matrix(c.packing, 5, c.cols, c.group, c.scale_dtype, 11);
    const std::vector<float> x = make_test_activations(7 * c.cols, c.cols, 0, 12);
    const std::vector<float> y = Product(kernels_, matrix, x, 7).run(Accuracy::exact, 5, 7);
    EXPECT_LE(nmse(y, product_in_double(matrix, x, 7)), 1e-7) << describe(matrix.view) << " cols " << c.cols;
  }
}

TEST_P(EachIsa, FastProductStaysWithinTheRoundingOfActivations) {
  for (const MatrixCase& c : all_matrices()) {
    for (const int outliers : {0, 4, 16}) {
      const TestMatrix matrix = make_test_matrix(c.packing, 5, c.cols, c.group, c.scale_dtype, 13);
      const std::vector<float> x = make_test_activations(7 * c.cols, c.cols, outliers, 14);
      const std::vector<float> y = Product(kernels_, matrix, x, 7).run(Accuracy::fast, 5, 7);
      EXPECT_LE(nmse(y, product_in_double(matrix, x, 7)), 5e-4) << describe(matrix.view) << " cols " << c.cols;
    }
  }
}

TEST_P(EachIsa, FastProductComputesWhatItsRoundedInputsSay) {
  for (const MatrixCase& c : all_matrices()) {
    const TestMatrix matrix = make_test_matrix(c.packing, 5, c.cols, c.group, c.scale_dtype, 15);
    const std::vector<float> x = make_test_activations(7 * c.cols, c.cols, 4, 16);
    const std::vector<float> expected = Product(kernels_for("reference"), matrix, x, 7).run(Accuracy::fast, 5, 7);
    const std::vector<float> y = Product(kernels_, matrix, x, 7).run(Accuracy::fast, 5, 7);
    EXPECT_LE(nmse(y, std::vector<double>(expected.begin(), expected.end())), 1e-9)
        << describe(matrix.view) << " cols " << c.cols;
  }
}

TEST_P(EachIsa, ProductsDoNotDependOnHowTheWorkIsCut) {
  for (const MatrixCase& c : all_matrices()) {
    const TestMatrix matrix = make_test_matrix(c.packing, 9, c.cols, c.group, c.scale_dtype, 17);
    const std::vector<float> x = make_test_activations(11 * c.cols, c.cols, 0, 18);
    Product product(kernels_, matrix, x, 11);
    for (const Accuracy accuracy : {Accuracy::fast, Accuracy::exact}) {
      const std::vector<float> whole = product.run(accuracy, 9, 11);
      for (const int64_t step : {1, 2, 3, 5}) EXPECT_EQ(whole, product.run(accuracy, step, step)) << describe(matrix.view);
    }
  }
}

TEST_P(EachIsa, QuantizeGivesNaNForWhatIsNotFiniteAndZeroForZeros) {
  for (const Packing packing : {Packing::affine4, Packing::q8_0}) {
    std::vector<float> x(96, 1.0F);
    std::fill_n(x.begin(), 8, 0.0F);
    x[20] = std::numeric_limits<float>::infinity();
    x[90] = std::numeric_limits<float>::quiet_NaN();
    std::vector<int8_t> q(96);
    std::vector<float> scale(12);
    std::vector<float> sum(3);
    fast_product(kernels_, packing).quantize(x.data(), 1, 96, {q.data(), scale.data(), sum.data()});
    for (std::size_t g = 0; g < 12; ++g) EXPECT_EQ(std::isnan(scale[g]), g == 2 || g == 11) << g;
    EXPECT_EQ(scale[0], 0.0F);
    EXPECT_EQ(scale[1], 1.0F / 127);
    EXPECT_TRUE(std::isnan(sum[0]) && std::isnan(sum[2]));
    EXPECT_NEAR(sum[1], 32.0F, 1e-4);
  }
}

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
    EXPECT_LE(nmse(out, expected), 1e-12) << k;

    for (std::size_t i = 0; i < size; ++i) {
      expected[i] = static_cast<double>(x[i]) / (1 + std::exp(-static_cast<double>(x[i]))) * static_cast<double>(y[i]);
    }
    kernels_.swiglu(x.data(), y.data(), k, out.data());
    EXPECT_LE(nmse(out, expected), 1e-12) << k;

    double total = 0;
    const float top = *std::max_element(x.begin(), x.end());
    for (std::size_t i = 0; i < size; ++i)
      total += expected[i] = std::exp((static_cast<double>(x[i]) - static_cast<double>(top)) / 0.7);
    const double sum = kernels_.softmax_weights(x.data(), k, static_cast<float>(1 / 0.7), out.data());
    EXPECT_LE(nmse(out, expected), 1e-12) << k;
    EXPECT_NEAR(sum / total, 1.0, 1e-6);
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

TEST_P(EachIsa, AttentionIsCloseToDoubleAndDoesNotDependOnHowThePromptIsCut) {
  constexpr int64_t kHeads = 6;
  constexpr int64_t kGroup = 3;
  constexpr int64_t kDim = 24;
  constexpr int64_t kTokens = 20;
  for (const int64_t position : {0, 1, 50, 63, 64, 150}) {
    const int64_t keys = position + kTokens;
    const std::vector<float> q = make_test_activations(kTokens * kHeads * kDim, kDim, 0, 41);
    const std::vector<float> kv = make_test_activations(2 * keys * kDim, kDim, 0, 42);
    std::vector<uint16_t> cache(kv.size());
    kernels_.to_f16(kv.data(), static_cast<int64_t>(kv.size()), cache.data());
    AlignedBuffer<float> scratch(attention_scratch_floats(kGroup, kDim));
    std::vector<float> expected(q.size(), 0.0F);
    std::vector<float> whole(q.size(), 0.0F);
    std::vector<float> cut(q.size(), 0.0F);
    AttentionTask task{.q = q.data(),
                       .k = cache.data(),
                       .v = cache.data() + keys * kDim,
                       .out = expected.data(),
                       .heads = kHeads,
                       .head_dim = kDim,
                       .first_head = 3,
                       .group = kGroup,
                       .position = position,
                       .token_begin = 0,
                       .token_end = kTokens,
                       .scale = 0.2F,
                       .scratch = scratch.data()};
    kernels_for("reference").attention(task);
    for (int64_t begin = 0; begin < kTokens; begin += kAttentionTokens) {
      task.token_begin = begin;
      task.token_end = std::min(kTokens, begin + kAttentionTokens);
      task.out = whole.data();
      kernels_.attention(task);
    }
    for (int64_t begin = 0; begin < kTokens; ++begin) {
      task.token_begin = begin;
      task.token_end = begin + 1;
      task.out = cut.data();
      kernels_.attention(task);
    }
    EXPECT_LE(nmse(whole, std::vector<double>(expected.begin(), expected.end())), 1e-12) << position;
    EXPECT_EQ(whole, cut) << position;
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
