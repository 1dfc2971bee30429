#include "inferometer/stats/sequential.h"

#include <cmath>

#include <gtest/gtest.h>

#include "inferometer/base/error.h"
#include "inferometer/base/rng.h"
#include "inferometer/stats/distribution.h"

namespace ifm::stats {
namespace {

std::vector<TimedValue> values_around(double mean, double sd, double rho, int n, Rng& rng) {
  std::vector<TimedValue> values;
  double last = 0;
  for (int i = 0; i < n; ++i) {
    const double z = normal_quantile(std::max(1e-15, rng.uniform()));
    last = i == 0 ? z : rho * last + std::sqrt(1 - rho * rho) * z;
    values.push_back({mean + sd * last, 0, static_cast<double>(i)});
  }
  return values;
}

TEST(Looks, AreThePlannedOnesBetweenTheEnds) {
  EXPECT_EQ(looks({.min_runs = 10, .max_runs = 100}), (std::vector<int>{10, 15, 20, 30, 40, 60, 80, 100}));
  EXPECT_EQ(looks({.min_runs = 25, .max_runs = 61}), (std::vector<int>{25, 30, 40, 60, 61}));
  EXPECT_EQ(looks({.min_runs = 12, .max_runs = 12}), std::vector<int>{12});
  EXPECT_EQ(looks({.min_runs = 10, .max_runs = 2'000'000'000}).back(), 2'000'000'000);
}

TEST(Looks, RefuseARuleThatCannotBeMeant) {
  EXPECT_THROW((void)looks({.half_width = 0}), Error);
  EXPECT_THROW((void)looks({.min_runs = 9}), Error) << "METHOD 13";
  EXPECT_THROW((void)looks({.min_runs = 20, .max_runs = 19}), Error);
}

TEST(LookAt, StopsWhenNarrowTwiceAndNeverBeforeThereIsAnInterval) {
  Rng rng(1);
  const StopRule rule{.half_width = 0.01};
  const auto values = values_around(5, 0.01, 0, 60, rng);
  const auto at = [&](size_t n, const std::optional<Look>& before) { return look_at(rule, std::span(values).first(n), before); };
  const Look early = at(20, std::nullopt);
  EXPECT_FALSE(early.ci95 || early.narrow || early.stop);
  const Look first = at(30, early);
  EXPECT_TRUE(first.narrow && first.ci95);
  EXPECT_FALSE(first.stop);
  EXPECT_TRUE(at(40, first).stop);
  EXPECT_FALSE(at(40, early).stop);
  EXPECT_NEAR(first.half_width.value(), (first.ci95->high - first.ci95->low) / 2 / 5, 1e-4);
  const auto wild = values_around(5, 2, 0, 60, rng);
  EXPECT_FALSE(look_at(rule, wild, first).stop);
}

/// The stopped interval covers, though it was looked at several times: 93 to 97 % asked for, ± 3 standard errors of 600 sessions.
TEST(LookAt, TheIntervalAtTheStopCovers) {
  for (const double rho : {0.0, 0.5}) {
    for (const double half_width : {0.05, 0.03}) {  // of sd 0.1: about 15 and 45 independent runs, three times as many alike ones
      const StopRule rule{.half_width = half_width, .min_runs = 10, .max_runs = 240};
      Rng rng(17);
      int covered = 0, early = 0;
      for (int session = 0; session < 600; ++session) {
        const auto values = values_around(1, 0.1, rho, rule.max_runs, rng);
        std::optional<Look> look;
        int runs = 0;
        for (const int n : looks(rule)) {
          look = look_at(rule, std::span(values).first(static_cast<size_t>(n)), look);
          runs = n;
          if (look->stop) break;
        }
        covered += look->ci95->low <= 1 && 1 <= look->ci95->high ? 1 : 0;
        early += runs < rule.max_runs ? 1 : 0;
      }
      EXPECT_GE(covered, 600 * 0.93 - 3 * 6) << rho << " " << half_width;
      EXPECT_LE(covered, 600 * 0.97 + 3 * 4) << rho << " " << half_width;
      EXPECT_GT(early, 60) << "it must have stopped early to show anything: " << rho << " " << half_width;
    }
  }
}

}  // namespace
}  // namespace ifm::stats
