#include "inferometer/stats/grouped.h"

#include <map>
#include <tuple>

#include "inferometer/base/rng.h"
#include "inferometer/stats/goldens.h"

/// Least squares on groups against the same on every observation, whose results have goldens of their own.
namespace ifm::stats {
namespace {

using goldens::expect_close;
using goldens::expect_interval;

constexpr double kRounding = 1e-9;

/// An unbalanced design with few levels and a spread that grows with x: what HC3 is for.
struct Observations {
  std::vector<double> x, y;
  std::vector<int> engine, prompt, block, cell;
};

Observations observe() {
  Rng rng(7);
  Observations all;
  for (int i = 0; i < 700; ++i) {
    const int engine = static_cast<int>(rng.below(2));
    const int prompt = static_cast<int>(rng.below(3));
    const int block = static_cast<int>(rng.below(5));
    const double x = std::vector<double>{16, 64, 128, 256}[rng.below(4)];
    all.engine.push_back(engine);
    all.prompt.push_back(prompt);
    all.block.push_back(block);
    all.cell.push_back(engine * 3 + prompt);
    all.x.push_back(x);
    all.y.push_back(0.2 + 0.01 * x + 0.1 * engine + 0.05 * prompt * engine + 0.01 * block + 1e-3 * x * (rng.uniform() - 0.5));
  }
  return all;
}

/// The observations' y by everything else.
using Key = std::tuple<int, int, int, double>;
std::map<Key, Moments> grouped(const Observations& all) {
  std::map<Key, std::vector<double>> values;
  for (size_t i = 0; i < all.y.size(); ++i) values[{all.engine[i], all.prompt[i], all.block[i], all.x[i]}].push_back(all.y[i]);
  std::map<Key, Moments> groups;
  for (const auto& [key, y] : values) groups[key] = moments_of(y);
  return groups;
}

TEST(Grouped, LineIsThatOfTheObservations) {
  const Observations all = observe();
  std::vector<LineGroup> groups;
  for (const auto& [key, moments] : grouped(all)) groups.push_back({std::get<3>(key), moments});
  const Line line = fit_line(groups).value();
  const Line expected = fit_line(all.x, all.y).value();
  EXPECT_EQ(line.n, expected.n);
  expect_close(line.slope, expected.slope, kRounding);
  expect_close(line.intercept, expected.intercept, kRounding);
  expect_close(line.r2, expected.r2, kRounding);
  expect_close(line.covariance, expected.covariance, kRounding);
  expect_interval(line.slope_interval, {expected.slope_interval.low, expected.slope_interval.high}, kRounding);
  expect_interval(line.intercept_interval, {expected.intercept_interval.low, expected.intercept_interval.high}, kRounding);
  EXPECT_FALSE(fit_line(std::span(groups).first(1))) << "one x";
}

TEST(Grouped, NestedModelsAreComparedAsOnTheObservations) {
  const Observations all = observe();
  Basis small(all.y.size());
  small.add(Column(all.y.size(), 1.0));
  Basis large = small;
  for (const Column& column : factor_columns(all.prompt)) large.add(column);
  const FTest expected = compare_models(small, large, all.y).value();
  std::vector<Moments> y;
  std::vector<int> prompts;
  for (const auto& [key, moments] : grouped(all)) {
    y.push_back(moments);
    prompts.push_back(std::get<1>(key));
  }
  Basis small_groups(y.size());
  small_groups.add(weighted(Column(y.size(), 1.0), y));
  Basis large_groups = small_groups;
  for (const Column& column : factor_columns(prompts)) large_groups.add(weighted(column, y));
  const FTest test = compare_models(small_groups, large_groups, y).value();
  expect_close(test.f, expected.f, kRounding);
  expect_close(test.p, expected.p, kRounding);
  EXPECT_EQ(test.denominator_df, expected.denominator_df);
}

TEST(Grouped, SharesOfVarianceAreThoseOfTheObservations) {
  const Observations all = observe();
  const std::vector<Factor> factors{{"engine", all.engine},
                                    {"none", std::vector<int>(all.y.size(), 3)},
                                    {"prompt", all.prompt},
                                    {"same", all.prompt},
                                    {"block", all.block}};
  const auto expected = variance_shares(all.y, factors, all.cell).value();
  std::vector<Moments> y;
  std::vector<Factor> group_factors{{"engine", {}}, {"none", {}}, {"prompt", {}}, {"same", {}}, {"block", {}}};
  std::vector<int> cells;
  for (const auto& [key, moments] : grouped(all)) {
    y.push_back(moments);
    const auto [engine, prompt, block, x] = key;
    const std::vector<int> levels{engine, 3, prompt, prompt, block};
    for (size_t f = 0; f < levels.size(); ++f) group_factors[f].levels.push_back(levels[f]);
    cells.push_back(engine * 3 + prompt);
  }
  const auto shares = variance_shares(y, group_factors, cells).value();
  ASSERT_EQ(shares.size(), expected.size());
  for (size_t i = 0; i < shares.size(); ++i) {
    EXPECT_EQ(shares[i].name, expected[i].name);
    EXPECT_EQ(shares[i].degrees_of_freedom, expected[i].degrees_of_freedom) << shares[i].name;
    expect_close(shares[i].share, expected[i].share, kRounding, 1);
    ASSERT_EQ(shares[i].p_value.has_value(), expected[i].p_value.has_value()) << shares[i].name;
    if (shares[i].p_value) expect_close(*shares[i].p_value, *expected[i].p_value, 1e-7);
  }
}

}  // namespace
}  // namespace ifm::stats
