#include <sys/mman.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "inferometer/base/aligned_buffer.h"
#include "inferometer/kernel/kernels.h"
#include "inferometer/kernel/reference/rounded_values.h"
#include "inferometer/kernel/test_matrix.h"
#include "inferometer/kernel/test_nmse.h"

namespace ifm {
namespace {

using test::noted;

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
        for (const int64_t groups : {1, 2, 3, 9, 18, 48}) cases.push_back({packing, groups * group, group, dtype});
      }
    }
  }
  for (const Packing packing : {Packing::q4_0, Packing::q4_1, Packing::q5_0, Packing::q5_1, Packing::q8_0}) {
    for (const int64_t cols : {32, 96, 288, 576, 1536}) cases.push_back({packing, cols, 0, DType::f16});
  }
  for (const Packing packing : {Packing::q4_k, Packing::q5_k, Packing::q6_k}) {
    for (const int64_t cols : {256, 768, 2304}) cases.push_back({packing, cols, 0, DType::f16});
  }
  for (const Packing packing : {Packing::f32, Packing::f16, Packing::bf16}) {
    for (const int64_t cols : {1, 7, 8, 33, 576}) cases.push_back({packing, cols, 0, DType::f16});
  }
  return cases;
}

/// One of a set's products over inputs that it rounded, and its outputs.
class Multiplied {
 public:
  Multiplied(const Product& product, const TestMatrix& matrix, const std::vector<float>& x, int64_t n)
      : product_(product), w_(matrix.view), scratch_(matmul_scratch_bytes(n, w_.cols)), n_(n) {
    x_ = {.n = n, .k = w_.cols, .f32 = x.data(), .rounded = nullptr};
    if (product.rounding == nullptr) return;
    rounded_ = AlignedBuffer<std::byte>(product.rounding->bytes(n, w_.cols));
    product.rounding->round(x.data(), n, w_.cols, 0, n, rounded_.data());
    x_.rounded = rounded_.data();
  }

  [[nodiscard]] std::vector<float> run(int64_t row_step, int64_t token_step) {
    std::vector<float> out(static_cast<std::size_t>(n_ * w_.rows), std::numeric_limits<float>::quiet_NaN());
    for (int64_t row = 0; row < w_.rows; row += row_step) {
      for (int64_t token = 0; token < n_; token += token_step) {
        MatmulTask task{.weights = &w_, .x = &x_, .out = out.data(), .out_stride = w_.rows};
        task.row_begin = row;
        task.row_end = std::min(w_.rows, row + row_step);
        task.token_begin = token;
        task.token_end = std::min(n_, token + token_step);
        task.scratch = scratch_.data();
        product_.multiply(task);
      }
    }
    return out;
  }

 private:
  const Product& product_;
  WeightMatrix w_;
  AlignedBuffer<std::byte> scratch_, rounded_{0};
  int64_t n_;
  Activations x_;
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

/// A set and a phase.
class EachProduct : public ::testing::TestWithParam<std::tuple<std::string, Phase>> {
 protected:
  [[nodiscard]] const Product& product_of(Accuracy accuracy, Packing packing) const {
    return product(kernels_for(std::get<0>(GetParam())), accuracy, std::get<1>(GetParam()), packing);
  }
};

std::string case_name(const ::testing::TestParamInfo<std::tuple<std::string, Phase>>& tested) {
  return std::get<0>(tested.param) + (std::get<1>(tested.param) == Phase::decode ? "_decode" : "_prefill");
}
INSTANTIATE_TEST_SUITE_P(Isa, EachProduct,
                         ::testing::Combine(::testing::ValuesIn(available_isas()),
                                            ::testing::Values(Phase::decode, Phase::prefill)),
                         case_name);

TEST_P(EachProduct, ExactIsCloseToDouble) {
  for (const MatrixCase& c : all_matrices()) {
    const TestMatrix matrix = make_test_matrix(c.packing, 5, c.cols, c.group, c.scale_dtype, 11);
    const std::vector<float> x = make_test_activations(7 * c.cols, c.cols, 0, 12);
    const std::vector<float> y = Multiplied(product_of(Accuracy::exact, c.packing), matrix, x, 7).run(5, 7);
    EXPECT_LE(noted("products, exact", nmse(y, product_in_double(matrix, x, 7))), 1e-7)
        << describe(matrix.view) << " cols " << c.cols;
  }
}

TEST_P(EachProduct, FastStaysWithinTheRoundingOfActivations) {
  for (const MatrixCase& c : all_matrices()) {
    for (const int outliers : {0, 4, 16}) {
      const TestMatrix matrix = make_test_matrix(c.packing, 5, c.cols, c.group, c.scale_dtype, 13);
      const std::vector<float> x = make_test_activations(7 * c.cols, c.cols, outliers, 14);
      const std::vector<float> y = Multiplied(product_of(Accuracy::fast, c.packing), matrix, x, 7).run(5, 7);
      EXPECT_LE(noted("products, fast", nmse(y, product_in_double(matrix, x, 7))), 5e-4)
          << describe(matrix.view) << " cols " << c.cols;
    }
  }
}

TEST_P(EachProduct, ComputesWhatItsRoundedInputsSay) {
  for (const MatrixCase& c : all_matrices()) {
    for (const Accuracy accuracy : {Accuracy::fast, Accuracy::exact}) {
      const Product& tested = product_of(accuracy, c.packing);
      if (tested.rounding == nullptr) continue;
      const TestMatrix matrix = make_test_matrix(c.packing, 37, c.cols, c.group, c.scale_dtype, 15);
      const std::vector<float> x = make_test_activations(7 * c.cols, c.cols, 4, 16);
      const std::vector<float> rounded = reference::rounded_values(tested.rounding->name, x, c.cols);
      const std::vector<float> y = Multiplied(tested, matrix, x, 7).run(37, 7);
      // Where inputs are shifted, the part of a product that is offset times a sum of inputs goes through bf16: both factors have
      // an error of up to 2^-9, so 2.5e-6 of that part's power, which in these matrices is up to three times the whole's.
      const double limit = tested.rounding->name.starts_with("shifts") ? 8e-6 : 1e-9;
      EXPECT_LE(nmse(y, product_in_double(matrix, rounded, 7)), limit) << describe(matrix.view) << " cols " << c.cols;
    }
  }
}

TEST_P(EachProduct, LargestInputsOfAlternatingSignsStayInRange) {
  for (const MatrixCase& c : all_matrices()) {
    const TestMatrix matrix = make_test_matrix(c.packing, 5, c.cols, c.group, c.scale_dtype, 23);
    std::vector<float> x(static_cast<std::size_t>(4 * c.cols));
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = (i / (i % 3 + 1)) % 2 == 0 ? 7.0F : -7.0F;
    for (const Accuracy accuracy : {Accuracy::fast, Accuracy::exact}) {
      const std::vector<float> y = Multiplied(product_of(accuracy, c.packing), matrix, x, 4).run(5, 4);
      EXPECT_LE(nmse(y, product_in_double(matrix, x, 4)), accuracy == Accuracy::fast ? 5e-4 : 1e-7) << describe(matrix.view);
    }
  }
}

TEST_P(EachProduct, DoesNotDependOnHowTheWorkIsCut) {
  for (const MatrixCase& c : all_matrices()) {
    const TestMatrix matrix = make_test_matrix(c.packing, 70, c.cols, c.group, c.scale_dtype, 17);
    const std::vector<float> x = make_test_activations(11 * c.cols, c.cols, 0, 18);
    for (const Accuracy accuracy : {Accuracy::fast, Accuracy::exact}) {
      Multiplied multiplied(product_of(accuracy, c.packing), matrix, x, 11);
      const std::vector<float> whole = multiplied.run(70, 11);
      for (const int64_t step : {1, 2, 3, 32, 37}) EXPECT_EQ(whole, multiplied.run(step, 4)) << describe(matrix.view);
    }
  }
}

TEST_P(EachProduct, DecodeDoesNotDependOnTheOtherTokens) {
  if (std::get<1>(GetParam()) != Phase::decode) return;
  for (const MatrixCase& c : all_matrices()) {
    const TestMatrix matrix = make_test_matrix(c.packing, 21, c.cols, c.group, c.scale_dtype, 19);
    const std::vector<float> x = make_test_activations(11 * c.cols, c.cols, 0, 20);
    for (const Accuracy accuracy : {Accuracy::fast, Accuracy::exact}) {
      const Product& tested = product_of(accuracy, c.packing);
      const std::vector<float> together = Multiplied(tested, matrix, x, 11).run(21, 11);
      for (int64_t t = 0; t < 11; ++t) {
        const std::vector<float> token(x.begin() + t * c.cols, x.begin() + (t + 1) * c.cols);
        const std::vector<float> expected(together.begin() + t * 21, together.begin() + (t + 1) * 21);
        EXPECT_EQ(Multiplied(tested, matrix, token, 1).run(21, 1), expected) << describe(matrix.view) << " token " << t;
      }
    }
  }
}

TEST_P(EachProduct, ZerosGiveZeroAndWhatIsNotFiniteGivesNaN) {
  for (const MatrixCase& c : all_matrices()) {
    if (c.cols < 32) continue;
    const TestMatrix matrix = make_test_matrix(c.packing, 5, c.cols, c.group, c.scale_dtype, 21);
    std::vector<float> x = make_test_activations(4 * c.cols, c.cols, 0, 22);
    std::fill_n(x.begin(), c.cols, 0.0F);
    x[static_cast<std::size_t>(c.cols + 20)] = std::numeric_limits<float>::infinity();
    x[static_cast<std::size_t>(2 * c.cols + 31)] = std::numeric_limits<float>::quiet_NaN();
    for (const Accuracy accuracy : {Accuracy::fast, Accuracy::exact}) {
      const std::vector<float> y = Multiplied(product_of(accuracy, c.packing), matrix, x, 4).run(5, 4);
      for (std::size_t r = 0; r < 5; ++r) {
        EXPECT_EQ(y[r], 0.0F) << describe(matrix.view);
        EXPECT_FALSE(std::isfinite(y[5 + r])) << describe(matrix.view);
        EXPECT_TRUE(std::isnan(y[10 + r])) << describe(matrix.view);
        EXPECT_TRUE(std::isfinite(y[15 + r])) << describe(matrix.view);
      }
    }
  }
}

/// A copy of bytes behind which nothing may be read.
class GuardedBytes {
 public:
  GuardedBytes(const std::byte* from, int64_t size) : bytes_(static_cast<std::size_t>((size + kPage - 1) / kPage * kPage)) {
    memory_ = static_cast<std::byte*>(mmap(nullptr, bytes_ + kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (memory_ == MAP_FAILED || mprotect(memory_ + bytes_, kPage, PROT_NONE) != 0) std::abort();
    data_ = memory_ + bytes_ - size;
    std::copy_n(from, size, data_);
  }
  GuardedBytes(const GuardedBytes&) = delete;
  GuardedBytes& operator=(const GuardedBytes&) = delete;
  ~GuardedBytes() { munmap(memory_, bytes_ + kPage); }
  [[nodiscard]] const std::byte* data() const { return data_; }

 private:
  static constexpr std::size_t kPage = 65536;  // no system's pages are larger
  std::size_t bytes_;
  std::byte* memory_ = nullptr;
  std::byte* data_ = nullptr;
};

TEST_P(EachProduct, ReadsNothingBehindTheWeights) {
  for (const MatrixCase& c : all_matrices()) {
    constexpr int64_t kRows = 34;  // even: the last one, too, is one of a pair
    TestMatrix matrix = make_test_matrix(c.packing, kRows, c.cols, c.group, c.scale_dtype, 25);
    WeightMatrix& w = matrix.view;
    const GuardedBytes data(w.data, w.rows * w.row_bytes);
    w.data = data.data();
    const int64_t scale_bytes = w.scales == nullptr ? 0 : (bytes_of(w) - w.rows * w.row_bytes) / 2;
    const GuardedBytes scales(w.scales, scale_bytes);
    const GuardedBytes biases(w.biases, scale_bytes);
    if (scale_bytes > 0) {
      w.scales = scales.data();
      w.biases = biases.data();
    }
    const std::vector<float> x = make_test_activations(9 * c.cols, c.cols, 0, 26);
    for (const Accuracy accuracy : {Accuracy::fast, Accuracy::exact}) {
      Multiplied multiplied(product_of(accuracy, c.packing), matrix, x, 9);
      EXPECT_EQ(multiplied.run(kRows, 9), multiplied.run(kRows, 4)) << describe(w);
    }
  }
}

TEST(AvxVnni, GivesWhatAvx2Gives) {
  const std::vector<std::string> isas = available_isas();
  if (std::ranges::find(isas, "avxvnni") == isas.end()) GTEST_SKIP() << "no AVX-VNNI here, in neither encoding";
  for (const MatrixCase& c : all_matrices()) {
    const TestMatrix matrix = make_test_matrix(c.packing, 37, c.cols, c.group, c.scale_dtype, 23);
    const std::vector<float> x = make_test_activations(9 * c.cols, c.cols, 4, 24);
    for (const Accuracy accuracy : {Accuracy::fast, Accuracy::exact}) {
      for (const Phase phase : {Phase::decode, Phase::prefill}) {
        const auto run = [&](std::string_view isa) {
          return Multiplied(product(kernels_for(isa), accuracy, phase, c.packing), matrix, x, 9).run(37, 9);
        };
        EXPECT_EQ(run("avxvnni"), run("avx2")) << describe(matrix.view);
      }
    }
  }
}

}  // namespace
}  // namespace ifm
