#include "inferometer/stats/permutation.h"

#include <algorithm>
#include <vector>

#include "inferometer/base/rng.h"
#include "inferometer/stats/describe.h"
#include "inferometer/stats/distribution.h"
#include "inferometer/stats/goldens.h"

namespace ifm::stats {
namespace {

using goldens::expect_close;

std::vector<double> normals(size_t n, double centre, Rng& rng) {
  std::vector<double> values(n);
  for (double& x : values) x = centre + normal_quantile(std::max(1e-15, rng.uniform()));
  return values;
}

TEST(SignFlipTest, MatchesScipyPermutationTestExactly) {
  for (const auto& c : goldens::all()["permutation"]["paired"]) {
    const auto d = goldens::numbers(c["differences"]);
    const PermutationTest test = sign_flip_test(d, 1).value();
    expect_close(test.statistic, c["mean"], 1e-12, 1e-3);
    expect_close(test.p, c["p"], 1e-12);
    EXPECT_EQ(test.relabellings, uint64_t{1} << d.size());
    EXPECT_FALSE(test.seed) << "nothing was drawn";
  }
}

TEST(TwoSamplePermutationTest, MatchesScipyPermutationTestExactly) {
  for (const auto& c : goldens::all()["permutation"]["two_sample"]) {
    const PermutationTest test = two_sample_permutation_test(goldens::numbers(c["a"]), goldens::numbers(c["b"]), 1).value();
    expect_close(test.statistic, c["difference"], 1e-12, 1e-3);
    expect_close(test.p, c["p"], 1e-12);
    EXPECT_FALSE(test.seed);
  }
}

TEST(SignFlipTest, CountsByHand) {
  // Of the 8 signs of 1, 2, 3 only +++ and --- reach |6|; with 1, 1 against 0 every sign of {1, 1} that agrees.
  EXPECT_DOUBLE_EQ(sign_flip_test(std::vector<double>{1, 2, 3}, 1)->p, 2.0 / 8);
  EXPECT_DOUBLE_EQ(sign_flip_test(std::vector<double>{1, -1}, 1)->p, 1);
  EXPECT_DOUBLE_EQ(sign_flip_test(std::vector<double>{0, 0, 0}, 1)->p, 1);
  EXPECT_FALSE(sign_flip_test(std::vector<double>{}, 1));
}

TEST(TwoSamplePermutationTest, CountsByHand) {
  // C(4, 2) = 6 choices; {3, 4} and {1, 2} are as far apart as seen.
  const PermutationTest test = two_sample_permutation_test(std::vector<double>{1, 2}, std::vector<double>{3, 4}, 1).value();
  EXPECT_DOUBLE_EQ(test.p, 2.0 / 6);
  EXPECT_EQ(test.relabellings, 6u);
  EXPECT_DOUBLE_EQ(test.statistic, 2);
  EXPECT_FALSE(two_sample_permutation_test(std::vector<double>{}, std::vector<double>{1}, 1));
}

TEST(PermutationTest, DrawnAgreesWithTheTTestAndRecordsItsSeed) {
  Rng rng(3);
  const auto d = normals(40, 0.3, rng);
  const PermutationTest paired = sign_flip_test(d, 7, 20'000).value();
  EXPECT_EQ(paired.seed, 7u);
  EXPECT_EQ(paired.relabellings, 20'001u);
  const double spread = sd(d).value() / std::sqrt(40.0);
  EXPECT_NEAR(paired.p, t_two_sided_p(mean(d).value() / spread, 39), 0.012);
  const auto a = normals(30, 0, rng), b = normals(50, 0.4, rng);
  const PermutationTest two = two_sample_permutation_test(a, b, 7, 20'000).value();
  EXPECT_EQ(two.seed, 7u);
  const double pooled = (sum_of_squares(a) + sum_of_squares(b)) / 78;
  EXPECT_NEAR(two.p, t_two_sided_p(two.statistic / std::sqrt(pooled * (1 / 30.0 + 1 / 50.0)), 78), 0.012);
  EXPECT_EQ(two.p, two_sample_permutation_test(a, b, 7, 20'000)->p) << "the same seed, the same p";
  EXPECT_NE(two.p, two_sample_permutation_test(a, b, 8, 20'000)->p);
}

TEST(PermutationTest, DrawnIsNeverZero) {
  const std::vector<double> all_positive(30, 1.0);
  EXPECT_DOUBLE_EQ(sign_flip_test(all_positive, 1, 999)->p, 1.0 / 1000);
}

TEST(PermutationTest, RejectsATrueNullAtItsLevel) {
  Rng rng(11);
  int paired = 0, two = 0;
  for (int i = 0; i < 1000; ++i) {
    paired += sign_flip_test(normals(10, 0, rng), 1)->p <= 0.05 ? 1 : 0;
    two += two_sample_permutation_test(normals(6, 0, rng), normals(6, 0, rng), 1)->p <= 0.05 ? 1 : 0;
  }
  for (const int rejected : {paired, two}) {  // 50 expected, standard error 7
    EXPECT_GE(rejected, 25);
    EXPECT_LE(rejected, 75);
  }
}

}  // namespace
}  // namespace ifm::stats
