#include "inferometer/stats/linear.h"

#include "inferometer/stats/goldens.h"

namespace ifm::stats {
namespace {

using goldens::expect_close;
using goldens::expect_interval;

TEST(FitLine, MatchesStatsmodelsHc3) {
  for (const auto& c : goldens::all()["lines"]) {
    const Line line = fit_line(goldens::numbers(c["x"]), goldens::numbers(c["y"])).value();
    expect_close(line.intercept, c["intercept"], 1e-10);
    expect_close(line.slope, c["slope"], 1e-10);
    expect_close(line.r2, c["r2"], 1e-10);
    expect_close(line.intercept_se, c["intercept_se"], 1e-9);
    expect_close(line.slope_se, c["slope_se"], 1e-9);
    expect_interval(line.intercept_interval, c["intercept_ci95"], 1e-9, 0.1);
    expect_interval(line.slope_interval, c["slope_ci95"], 1e-9);
    expect_interval(line.interval_at(500), c["ci95_at_500"], 1e-9);
  }
}

TEST(FitLine, IsExactOnALine) {
  const std::vector<double> x{64, 128, 256, 64, 128, 256};
  std::vector<double> y;
  for (const double v : x) y.push_back(0.25 + 0.0078125 * v);
  const Line line = fit_line(x, y).value();
  EXPECT_NEAR(line.intercept, 0.25, 1e-14);
  EXPECT_NEAR(line.slope, 0.0078125, 1e-16);
  EXPECT_NEAR(line.r2, 1, 1e-14);
}

TEST(FitLine, RefusesWhatItCannotFit) {
  EXPECT_FALSE(fit_line(std::vector<double>{1, 1, 1}, std::vector<double>{1, 2, 3}));  // one x
  EXPECT_FALSE(fit_line(std::vector<double>{1, 2}, std::vector<double>{1, 2}));        // too few
  EXPECT_FALSE(fit_line(std::vector<double>{1, 1, 2}, std::vector<double>{1, 2, 3}));  // the last point has leverage 1
}

TEST(CompareModels, MatchesStatsmodelsFTest) {
  const auto& c = goldens::all()["nested_models"];
  const auto x = goldens::numbers(c["x"]);
  Basis line(x.size());
  line.add(Column(x.size(), 1.0));
  line.add(x);
  Basis means = line;
  for (const Column& column : factor_columns(c["x"].get<std::vector<int>>())) means.add(column);
  const FTest test = compare_models(line, means, goldens::numbers(c["y"])).value();
  expect_close(test.f, c["f"], 1e-9);
  expect_close(test.p, c["p"], 1e-9);
  EXPECT_EQ(test.numerator_df, c["numerator_df"].get<int>());
  EXPECT_EQ(test.denominator_df, c["denominator_df"].get<int>());
}

TEST(Basis, DependentColumnsAddNothing) {
  Basis basis(4);
  EXPECT_TRUE(basis.add(Column{1, 1, 1, 1}));
  EXPECT_TRUE(basis.add(Column{0, 0, 1, 1}));
  EXPECT_FALSE(basis.add(Column{1, 1, 0, 0}));
  EXPECT_FALSE(basis.add(Column{0, 0, 0, 0}));
  EXPECT_EQ(basis.rank(), 2);
  EXPECT_NEAR(basis.residual_ss(Column{1, 3, 5, 9}), 2 + 8, 1e-13);  // within the two halves
  EXPECT_NEAR(basis.leverages()[0], 0.5, 1e-15);
}

TEST(CompareModels, IsNullWithoutAQuestionOrAnAnswer) {
  Basis one(3);
  one.add(Column{1, 1, 1});
  Basis all = one;
  all.add(Column{0, 1, 0});
  all.add(Column{0, 0, 1});
  EXPECT_FALSE(compare_models(one, one, Column{1, 2, 4}));
  EXPECT_FALSE(compare_models(one, all, Column{1, 2, 4}));
}

}  // namespace
}  // namespace ifm::stats
