#include "inferometer/analysis/token_gaps.h"

#include <vector>

#include <gtest/gtest.h>

#include "inferometer/analysis/simulated_runs.h"
#include "inferometer/base/rng.h"
#include "inferometer/stats/confidence.h"
#include "inferometer/stats/describe.h"

namespace ifm {
namespace {

using ModelRun = ifm::Run;  // inside a test, Run is GoogleTest's

/// A run whose events have these distances, each with so many tokens.
ModelRun run_of(const std::vector<double>& gaps_s, int number, int tokens = 1) {
  ModelRun run;
  run.id = number + 1;
  run.order = number;
  run.engine = "embedded";
  run.model = "toy";
  run.start_ns = int64_t{1'000'000'000} * number;
  double at = 0.1;
  run.stamps.offset_ns.push_back(100'000'000);
  run.stamps.tokens.push_back(tokens);
  for (const double gap : gaps_s) {
    at += gap;
    run.stamps.offset_ns.push_back(std::llround(at * 1e9));
    run.stamps.tokens.push_back(tokens);
  }
  return run;
}

/// Runs with a speed of their own each and gaps about it, with now and then a long one.
std::vector<std::vector<double>> noisy_gaps(int runs) {
  Rng rng(5);
  simulated::Noise noise(8, 0.03);
  std::vector<std::vector<double>> all;
  for (int i = 0; i < runs; ++i) {
    const double factor = noise.factor();
    all.emplace_back();
    for (int k = 0; k < 40; ++k) all.back().push_back(0.01 * factor * (0.9 + 0.2 * rng.uniform()) * (rng.below(25) == 0 ? 2 : 1));
  }
  return all;
}

TokenGaps collect(const std::vector<std::vector<double>>& gaps) {
  TokenGapCollector collector;
  for (size_t i = 0; i < gaps.size(); ++i) collector.add(run_of(gaps[i], static_cast<int>(i)));
  const std::vector<TokenGaps> found = collector.finish();
  return found.at(0);
}

TEST(TokenGaps, ArePooledOverRunsAsTheValuesThemselvesSay) {
  const auto gaps = noisy_gaps(60);
  std::vector<double> pooled;
  for (const auto& run : gaps) pooled.insert(pooled.end(), run.begin(), run.end());
  const TokenGaps found = collect(gaps);
  EXPECT_EQ(found.runs, 60);
  EXPECT_EQ(found.gaps, 2400);
  EXPECT_TRUE(found.one_token_events);
  EXPECT_NEAR(found.mean_s, *stats::mean(pooled), 1e-9);
  EXPECT_NEAR(found.p50_s, *stats::median(pooled), 1e-3 * found.p50_s);
  EXPECT_NEAR(found.p90_s.value(), *stats::quantile(pooled, 0.9), 1e-3 * *found.p90_s);
  EXPECT_NEAR(found.max_s, *stats::maximum(pooled), 1e-8);
  EXPECT_FALSE(found.p99_s) << "gaps of one run are alike: 60 runs are too few";
}

/// Another implementation: pooled vectors, and plain values instead of buckets.
TEST(TokenGaps, HaveTheIntervalsOfABootstrapOverRuns) {
  const auto gaps = noisy_gaps(60);
  const TokenGaps found = collect(gaps);
  const auto expect_like = [&](const std::optional<Interval>& interval, const stats::Statistic& statistic) {
    std::vector<stats::TimedValue> means;
    for (size_t i = 0; i < gaps.size(); ++i) means.push_back({*stats::mean(gaps[i]), 0, static_cast<double>(i)});
    std::vector<double> pooled;
    for (const auto& run : gaps) pooled.insert(pooled.end(), run.begin(), run.end());
    const auto plain = stats::cluster_bootstrap_interval(gaps, statistic, 99, 999);
    const Interval expected = stats::stretched(plain->interval, statistic(pooled), stats::time_structure(means).value());
    const double half = (expected.high - expected.low) / 2;
    ASSERT_TRUE(interval);
    EXPECT_NEAR(interval->low, expected.low, 0.2 * half);
    EXPECT_NEAR(interval->high, expected.high, 0.2 * half);
  };
  expect_like(found.mean_ci95, [](std::span<const double> v) { return *stats::mean(v); });
  expect_like(found.p50_ci95, [](std::span<const double> v) { return *stats::median(v); });
  expect_like(found.p90_ci95, [](std::span<const double> v) { return *stats::quantile(v, 0.9); });
}

TEST(TokenGaps, OfManyRunsStandInAsMuchMemoryAndSayTheSame) {
  const auto gaps = noisy_gaps(1000);
  std::vector<double> pooled;
  for (const auto& run : gaps) pooled.insert(pooled.end(), run.begin(), run.end());
  const TokenGaps found = collect(gaps);
  EXPECT_EQ(found.runs, 1000);
  EXPECT_EQ(found.gaps, 40'000);
  EXPECT_NEAR(found.mean_s, *stats::mean(pooled), 1e-9);
  EXPECT_NEAR(found.p99_s.value(), *stats::quantile(pooled, 0.99), 1e-3 * *found.p99_s);
  ASSERT_TRUE(found.mean_ci95);
  const double half = (found.mean_ci95->high - found.mean_ci95->low) / 2;
  EXPECT_NEAR(half, 1.96 * 0.03 * 0.0104 / std::sqrt(1000.0), 0.35 * half) << "runs differ by 3 %";
}

TEST(TokenGaps, OfTwoHalvesAreThoseOfTheWhole) {
  for (const size_t runs : {61U, 999U}) {
    const auto gaps = noisy_gaps(static_cast<int>(runs));
    TokenGapCollector early;
    TokenGapCollector late;
    for (size_t i = 0; i < runs; ++i) (i < runs / 3 ? early : late).add(run_of(gaps[i], static_cast<int>(i)));
    early.append(std::move(late));
    const TokenGaps halves = early.finish().at(0);
    const TokenGaps whole = collect(gaps);
    EXPECT_EQ(halves.runs, whole.runs);
    EXPECT_EQ(halves.gaps, whole.gaps);
    EXPECT_EQ(halves.mean_s, whole.mean_s);
    EXPECT_EQ(halves.p90_s, whole.p90_s);
    ASSERT_TRUE(halves.mean_ci95 && whole.mean_ci95);
    const double half = (whole.mean_ci95->high - whole.mean_ci95->low) / 2;
    EXPECT_NEAR(halves.mean_ci95->low, whole.mean_ci95->low, 0.3 * half) << "clusters of many runs end elsewhere";
  }
}

TEST(TokenGaps, BetweenChunksAreNamedSoAndRunsThatDoNotCountAreLeftOut) {
  TokenGapCollector collector;
  collector.add(run_of({0.01, 0.02}, 0, 2));
  ModelRun failed = run_of({5}, 1);
  failed.status = RunStatus::failed;
  collector.add(failed);
  ModelRun warmup = run_of({5}, 2);
  warmup.kind = RunKind::warmup;
  collector.add(warmup);
  ModelRun other = run_of({0.03}, 3);
  const std::string name = "mlx";
  other.engine = name;
  collector.add(other);
  collector.add(run_of({}, 4));
  const std::vector<TokenGaps> found = collector.finish();
  ASSERT_EQ(found.size(), 2U);
  EXPECT_FALSE(found[0].one_token_events);
  EXPECT_EQ(found[0].gaps, 2);
  EXPECT_NEAR(found[0].max_s, 0.02, 1e-9);
  EXPECT_EQ(found[0].no_interval, NoInterval::few_in_session);
  EXPECT_FALSE(found[0].mean_ci95);
  EXPECT_EQ(found[1].series, "mlx · toy");
}

TEST(TokenGaps, OfASessionThatDriftsHaveNoInterval) {
  std::vector<std::vector<double>> gaps = noisy_gaps(60);
  for (size_t i = 0; i < gaps.size(); ++i)
    for (double& gap : gaps[i]) gap *= 1 + 0.01 * static_cast<double>(i);
  const TokenGaps found = collect(gaps);
  EXPECT_EQ(found.no_interval, NoInterval::drift);
  EXPECT_FALSE(found.mean_ci95 || found.p50_ci95 || found.p90_ci95 || found.p90_s);
}

}  // namespace
}  // namespace ifm
