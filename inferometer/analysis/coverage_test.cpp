#include <vector>

#include <gtest/gtest.h>

#include "inferometer/analysis/groups.h"
#include "inferometer/analysis/simulated_noise.h"
#include "inferometer/analysis/simulated_runs.h"

/// A small part of bench/coverage.cpp, which docs/coverage.md tabulates: METHOD asks for 93 to 97 % of 1,000 sessions.
namespace ifm {
namespace {

using simulated::NoiseKind;
using simulated::NoiseModel;

constexpr int kSessions = 1000;

std::optional<double> latency(const Run& run) { return run.metrics.e2e_s; }

struct Covered {
  int mean = 0, mean_printed = 0, median = 0, median_printed = 0;
};

Covered cover(NoiseKind kind, int n) {
  auto runs = simulated::simulate({.prompts = {"a"}, .max_tokens = {8}, .temperatures = {0.3}, .repeats = n}).runs;
  std::vector<const Run*> pointers;
  for (const Run& run : runs) pointers.push_back(&run);
  const NoiseModel noise{kind, n};
  const double mean = noise.mean(runs.size()), median = noise.quantile(runs.size(), 0.5);
  Rng rng(7);
  Covered covered;
  for (int session = 0; session < kSessions; ++session) {
    const std::vector<double> factors = noise.draw(runs.size(), rng);
    for (size_t i = 0; i < runs.size(); ++i) runs[i].metrics.e2e_s = factors[i];
    const MetricSummary m = summarize(pointers, latency, time_of(pointers, latency));
    covered.mean_printed += m.ci95 ? 1 : 0;
    covered.mean += m.ci95 && m.ci95->low <= mean && mean <= m.ci95->high ? 1 : 0;
    covered.median_printed += m.median_ci95 ? 1 : 0;
    covered.median += m.median_ci95 && m.median_ci95->low <= median && median <= m.median_ci95->high ? 1 : 0;
  }
  return covered;
}

/// Plain t intervals would cover 74 % with AR(1) noise and 99 % with drift.
TEST(Coverage, OfTheMeanOf50RunsIs93To97PercentWhateverTheNoise) {
  for (const NoiseKind kind :
       {NoiseKind::normal, NoiseKind::lognormal, NoiseKind::bimodal, NoiseKind::drift, NoiseKind::autoregressive}) {
    const Covered covered = cover(kind, 50);
    EXPECT_EQ(covered.mean_printed, kSessions) << to_string(kind);
    EXPECT_GE(covered.mean, 930) << to_string(kind);
    EXPECT_LE(covered.mean, 970) << to_string(kind);
  }
}

TEST(Coverage, OfTheMedianIs93To97PercentWhereItIsPrinted) {
  for (const NoiseKind kind : {NoiseKind::normal, NoiseKind::lognormal, NoiseKind::bimodal, NoiseKind::autoregressive}) {
    const Covered covered = cover(kind, 50);
    EXPECT_GE(covered.median_printed, 600) << to_string(kind);
    EXPECT_GE(covered.median, 0.93 * covered.median_printed) << to_string(kind);
    EXPECT_LE(covered.median, 0.97 * covered.median_printed) << to_string(kind);
  }
  EXPECT_LE(cover(NoiseKind::drift, 50).median_printed, 20) << "a session that drifts has no one median";
}

TEST(Coverage, NothingIsPrintedWhereItCouldNotBeChecked) {
  for (const int n : {10, 20, stats::kLeastForTime - 1}) {
    const Covered covered = cover(NoiseKind::autoregressive, n);
    EXPECT_EQ(covered.mean_printed + covered.median_printed, 0) << n;
  }
}

TEST(Coverage, TheReasonStandsBesideWhatIsNotPrinted) {
  auto runs = simulated::simulate({.prompts = {"a"}, .max_tokens = {8}, .temperatures = {0.3}, .repeats = 50}).runs;
  std::vector<const ifm::Run*> pointers;
  for (const ifm::Run& run : runs) pointers.push_back(&run);
  const auto summary = [&](const NoiseModel& noise, size_t n) {
    Rng rng(3);
    const std::vector<double> factors = noise.draw(runs.size(), rng);
    for (size_t i = 0; i < runs.size(); ++i) runs[i].metrics.e2e_s = factors[i];
    const std::vector<const ifm::Run*> first(pointers.begin(), pointers.begin() + static_cast<std::ptrdiff_t>(n));
    return summarize(first, latency, time_of(first, latency));
  };
  EXPECT_EQ(summary({}, 50).ci95_reason, NoInterval::none);
  EXPECT_EQ(summary({}, 20).ci95_reason, NoInterval::few_in_session);
  EXPECT_EQ(summary({}, 20).p90_ci95_reason, NoInterval::few_in_group);
  EXPECT_EQ(summary({}, 1).ci95_reason, NoInterval::no_repeats);
  EXPECT_EQ(summary({}, 5).median_ci95_reason, NoInterval::few_in_group);
  EXPECT_EQ(summary({NoiseKind::drift, 50}, 50).median_ci95_reason, NoInterval::drift);
  EXPECT_EQ(summary({NoiseKind::drift, 50}, 50).ci95_reason, NoInterval::none) << "the mean over the session's time";
  EXPECT_FALSE(summary({NoiseKind::drift, 50}, 50).p90);
  EXPECT_EQ(summary({NoiseKind::autoregressive, 50}, 50).p90_ci95_reason, NoInterval::dependent);
  const std::vector<const ifm::Run*> few(pointers.begin(), pointers.begin() + 14);
  EXPECT_EQ(summarize(few, latency, time_of(pointers, latency)).ci95_reason, NoInterval::few_in_group);
}

}  // namespace
}  // namespace ifm
