#include "inferometer/analysis/metrics.h"

#include <string>

#include <gtest/gtest.h>

namespace ifm {
namespace {

/// 12 prompt tokens evaluated in 40 ms, first token at 50 ms, then gaps of 10, 20 and 30 ms.
Run plain_run() {
  Run run;
  run.start_ns = 7'000'000'000;
  run.load_begin_ns = 1'000'000'000;
  run.load_end_ns = 1'250'000'000;
  run.prefill_begin_ns = 7'005'000'000;
  run.prefill_end_ns = 7'045'000'000;
  run.stamps.offset_ns = {50'000'000, 60'000'000, 80'000'000, 110'000'000};
  run.stamps.tokens = {1, 1, 1, 1};
  run.prompt_tokens = 12;
  run.cached_tokens = 0;
  run.output_tokens = 4;
  run.count_source = "engine";
  run.text = std::string(22, 'x');
  return run;
}

TEST(Metrics, PlainRunFollowsTheDefinitions) {
  const RunMetrics m = metrics_of(plain_run());
  EXPECT_DOUBLE_EQ(m.load_s.value(), 0.25);
  EXPECT_DOUBLE_EQ(m.ttft_s.value(), 0.05);
  EXPECT_DOUBLE_EQ(m.e2e_s.value(), 0.11);
  EXPECT_DOUBLE_EQ(m.tpot_s.value(), 0.02);  // 60 ms over 3 tokens
  EXPECT_DOUBLE_EQ(m.decode_tok_per_s.value(), 50);
  EXPECT_DOUBLE_EQ(m.prefill_tok_per_s.value(), 300);  // 12 in the engine's 40 ms, not in the TTFT
  EXPECT_DOUBLE_EQ(m.output_tok_per_s.value(), 4 / 0.11);
  EXPECT_DOUBLE_EQ(m.output_bytes_per_s.value(), 200);
  EXPECT_DOUBLE_EQ(m.itl_mean_s.value(), 0.02);
  EXPECT_DOUBLE_EQ(m.itl_p50_s.value(), 0.02);
  EXPECT_DOUBLE_EQ(m.itl_max_s.value(), 0.03);
}

TEST(Metrics, JoulesPerTokenSharesTheRunsWholeEnergyAmongItsTokens) {
  auto run = plain_run();
  EXPECT_EQ(metrics_of(run).joules_per_token, std::nullopt) << "energy that was not read is not 0";
  run.resources.energy_j = 3;
  EXPECT_DOUBLE_EQ(metrics_of(run).joules_per_token.value(), 0.75);
  run.flags = {"count_disputed"};
  EXPECT_EQ(metrics_of(run).joules_per_token, std::nullopt);
}

TEST(Metrics, SmallestGapIsBetweenEventsWithTokens) {
  auto run = plain_run();
  EXPECT_EQ(smallest_gap_ns(run), 10'000'000);
  run.stamps = {{0, 50, 51, 80, 81}, {0, 1, 0, 2, 0}};
  EXPECT_EQ(smallest_gap_ns(run), 30);
  run.stamps = {{50}, {4}};
  EXPECT_EQ(smallest_gap_ns(run), std::nullopt);
}

TEST(Metrics, FailedRunHasNoNumbers) {
  auto run = plain_run();
  run.status = RunStatus::failed;
  const RunMetrics m = metrics_of(run);
  for (const auto& value : {m.load_s, m.ttft_s, m.e2e_s, m.tpot_s, m.decode_tok_per_s, m.prefill_tok_per_s, m.output_tok_per_s,
                            m.itl_mean_s, m.itl_p50_s, m.itl_max_s, m.output_bytes_per_s})
    EXPECT_FALSE(value.has_value());
}

TEST(Metrics, DisputedCountKeepsTimesAndDropsEveryNumberOfTokens) {
  auto run = plain_run();
  run.flags = {"steal", "count_disputed"};
  const RunMetrics m = metrics_of(run);
  EXPECT_DOUBLE_EQ(m.ttft_s.value(), 0.05);
  EXPECT_DOUBLE_EQ(m.e2e_s.value(), 0.11);
  EXPECT_DOUBLE_EQ(m.output_bytes_per_s.value(), 200);
  for (const auto& value :
       {m.tpot_s, m.decode_tok_per_s, m.prefill_tok_per_s, m.output_tok_per_s, m.itl_mean_s, m.itl_p50_s, m.itl_max_s})
    EXPECT_FALSE(value.has_value());
}

TEST(Metrics, KeepAliveIsNotTheFirstTokenNorTheLast) {
  auto run = plain_run();
  run.stamps.offset_ns = {1'000'000, 50'000'000, 60'000'000, 80'000'000, 110'000'000, 500'000'000};
  run.stamps.tokens = {0, 1, 1, 1, 1, 0};
  const RunMetrics m = metrics_of(run);
  EXPECT_DOUBLE_EQ(m.ttft_s.value(), 0.05);
  EXPECT_DOUBLE_EQ(m.e2e_s.value(), 0.11);
  EXPECT_DOUBLE_EQ(m.itl_mean_s.value(), 0.02);
}

TEST(Metrics, CoalescedEventsCountTheirTokensAndHaveNoItl) {
  auto run = plain_run();
  run.stamps.offset_ns = {50'000'000, 110'000'000};
  run.stamps.tokens = {2, 4};
  run.output_tokens = 6;
  const RunMetrics m = metrics_of(run);
  EXPECT_DOUBLE_EQ(m.tpot_s.value(), 0.015);  // 60 ms over N − k_f = 4
  EXPECT_FALSE(m.itl_mean_s.has_value());
}

TEST(Metrics, TpotNeedsMoreTokensThanTheFirstEvent) {
  auto run = plain_run();
  run.stamps.offset_ns = {50'000'000};
  run.stamps.tokens = {3};
  run.output_tokens = 3;
  const RunMetrics m = metrics_of(run);
  EXPECT_FALSE(m.tpot_s.has_value());
  EXPECT_FALSE(m.decode_tok_per_s.has_value());
  EXPECT_FALSE(m.itl_mean_s.has_value());
  EXPECT_DOUBLE_EQ(m.output_tok_per_s.value(), 60);
}

TEST(Metrics, CachedPromptTokensAreNotPrefilled) {
  auto run = plain_run();
  run.cached_tokens = 8;
  EXPECT_DOUBLE_EQ(metrics_of(run).prefill_tok_per_s.value(), 100);
  run.cached_tokens = 12;
  EXPECT_FALSE(metrics_of(run).prefill_tok_per_s.has_value());
}

TEST(Metrics, PrefillIsNullWithoutTheEnginesOwnTime) {
  auto run = plain_run();
  run.prefill_end_ns.reset();
  EXPECT_FALSE(metrics_of(run).prefill_tok_per_s.has_value());
}

TEST(Metrics, ColdLatencyHoldsTheLoad) {
  auto run = plain_run();
  run.mode = Mode::cold;
  run.load_begin_ns = run.start_ns;  // the process is spawned at start_ns
  run.load_end_ns = run.start_ns + 400'000'000;
  for (int64_t& offset : run.stamps.offset_ns) offset += 400'000'000;
  const RunMetrics m = metrics_of(run);
  EXPECT_DOUBLE_EQ(m.load_s.value(), 0.4);
  EXPECT_DOUBLE_EQ(m.ttft_s.value(), 0.45);
  EXPECT_DOUBLE_EQ(m.e2e_s.value(), 0.51);
  EXPECT_DOUBLE_EQ(m.tpot_s.value(), 0.02);
}

TEST(Metrics, NoTokenEventMeansNoTimes) {
  auto run = plain_run();
  run.stamps = {};
  const RunMetrics m = metrics_of(run);
  EXPECT_FALSE(m.ttft_s.has_value());
  EXPECT_FALSE(m.e2e_s.has_value());
  EXPECT_DOUBLE_EQ(m.load_s.value(), 0.25);
}

TEST(Metrics, UnknownCountGivesNoRates) {
  auto run = plain_run();
  run.output_tokens.reset();
  const RunMetrics m = metrics_of(run);
  EXPECT_FALSE(m.output_tok_per_s.has_value());
  EXPECT_FALSE(m.tpot_s.has_value());
}

}  // namespace
}  // namespace ifm
