#include "inferometer/stats/time_structure.h"

#include <cmath>
#include <vector>

#include "inferometer/base/rng.h"
#include "inferometer/stats/confidence.h"
#include "inferometer/stats/distribution.h"
#include "inferometer/stats/goldens.h"

namespace ifm::stats {
namespace {

using goldens::expect_close;
using goldens::expect_interval;

std::vector<TimedValue> values_of(const nlohmann::json& c) {
  std::vector<TimedValue> values;
  for (size_t i = 0; i < c["values"].size(); ++i)
    values.push_back({c["values"][i].get<double>(), c["cells"][i].get<int>(), c["times"][i].get<double>()});
  return values;
}

/// n values of one cell around 10, ten seconds apart.
std::vector<TimedValue> series(int n, double sd, double rise, double rho, uint64_t seed) {
  Rng rng(seed);
  std::vector<TimedValue> values;
  double last = 0;
  for (int i = 0; i < n; ++i) {
    const double z = normal_quantile(std::max(1e-15, rng.uniform()));
    last = i == 0 ? z : rho * last + std::sqrt(1 - rho * rho) * z;
    values.push_back({10 + sd * last + rise * i / n, 0, 10.0 * i});
  }
  return values;
}

TEST(TimeStructure, MatchesStatsmodelsRegressionOnCellsAndTime) {
  for (const auto& c : goldens::all()["time_structure"]) {
    const auto values = values_of(c);
    const TimeStructure found = time_structure(values).value();
    EXPECT_EQ(found.degrees_of_freedom, c["df"].get<int>());
    expect_close(found.slope, c["slope"], 1e-9, 1e-6);
    expect_close(found.trend_p, c["trend_p"], 1e-8);
    expect_close(found.correlation, c["correlation"], 1e-9, 0.1);
    expect_close(found.variance_factor, c["factor"], 1e-9);
    expect_interval(mean_interval_in_time(values, found).value(), c["mean_ci95"], 1e-9, 1);
    std::vector<TimedValue> second;
    for (const TimedValue& value : values)
      if (value.cell == (values.back().cell == 0 ? 0 : 1)) second.push_back(value);
    expect_interval(mean_interval_in_time(second, found).value(), c["second_cell_ci95"], 1e-9, 1);
  }
}

TEST(TimeStructure, ATrendDoesNotWidenTheIntervalOfTheMean) {
  const auto width = [](double rise) {
    const auto values = series(60, 0.1, rise, 0, 4);
    const TimeStructure structure = time_structure(values).value();
    EXPECT_EQ(structure.drifts, rise != 0);
    const Interval interval = mean_interval_in_time(values, structure).value();
    return interval.high - interval.low;
  };
  EXPECT_NEAR(width(2), width(0), 0.05 * width(0)) << "20 sd of rise";
}

TEST(TimeStructure, NeighboursThatAreAlikeWidenIt) {
  const auto alike = series(200, 0.1, 0, 0.5, 4);
  const TimeStructure found = time_structure(alike).value();
  EXPECT_TRUE(found.dependent);
  EXPECT_GT(found.variance_factor, 2.2) << "3 is the truth";
  std::vector<double> plain;
  for (const TimedValue& value : alike) plain.push_back(value.value);
  const Interval honest = mean_interval_in_time(alike, found).value();
  const Interval naive = mean_interval(plain).value();
  EXPECT_GT(honest.high - honest.low, 1.4 * (naive.high - naive.low));
  const TimeStructure independent = time_structure(series(200, 0.1, 0, 0, 5)).value();
  EXPECT_LT(independent.variance_factor, 1.5);
  EXPECT_FALSE(time_structure(series(200, 0.1, 0, -0.5, 4))->dependent);
  EXPECT_EQ(time_structure(series(200, 0.1, 0, -0.5, 4))->variance_factor, 1) << "never narrower than independent values";
}

TEST(TimeStructure, IsNullWhereNothingCanBeTold) {
  EXPECT_FALSE(time_structure(series(kLeastForTime - 1, 0.1, 0, 0, 1)));
  EXPECT_TRUE(time_structure(series(kLeastForTime, 0.1, 0, 0, 1)));
  auto singles = series(40, 0.1, 0, 0, 1);
  for (size_t i = 0; i < singles.size(); ++i) singles[i].cell = static_cast<int>(i);
  EXPECT_FALSE(time_structure(singles));
  auto at_once = series(40, 0.1, 0, 0, 1);
  for (TimedValue& value : at_once) value.time = 7;
  EXPECT_FALSE(time_structure(at_once));
  EXPECT_FALSE(time_structure(series(40, 0.1, -30, 0, 1))) << "a mean under 0 has no relative change";
}

TEST(TimeStructure, OfEqualValuesIsAPoint) {
  const auto equal = series(40, 0, 0, 0, 1);
  const TimeStructure found = time_structure(equal).value();
  EXPECT_FALSE(found.drifts || found.dependent);
  const Interval interval = mean_interval_in_time(equal, found).value();
  EXPECT_EQ(interval.low, 10);
  EXPECT_EQ(interval.high, 10);
}

TEST(Stretched, KeepsTheCentre) {
  const Interval interval = stretched({9, 12}, 10, {.variance_factor = 4});
  EXPECT_DOUBLE_EQ(interval.low, 8);
  EXPECT_DOUBLE_EQ(interval.high, 14);
}

}  // namespace
}  // namespace ifm::stats
