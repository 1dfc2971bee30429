#include "inferometer/cli/bench.h"

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "inferometer/base/clock.h"
#include "inferometer/base/error.h"
#include "inferometer/cli/bench_output.h"

namespace ifm {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr int64_t kStepNs = 1000;
constexpr int64_t kPromptNsPerToken = 10;

/// Takes exact times on a virtual clock and writes down what it is asked to do.
class ScriptedEvaluator final : public Evaluator {
 public:
  explicit ScriptedEvaluator(VirtualClock& clock) : clock_(clock) {}
  void truncate(int positions) override {
    position_ = positions;
    log += "t" + std::to_string(positions) + " ";
  }
  void prefill(std::span<const TokenId> ids) override { prefill_sequence(0, ids); }
  void prefill_sequence(int sequence, std::span<const TokenId> ids) override {
    check(ids);
    if (sequence == 0) position_ += static_cast<int>(ids.size());
    evaluated();
    log += "p" + std::to_string(ids.size()) + (sequence > 0 ? "of" + std::to_string(sequence) : "") + " ";
    clock_.advance_ns(kPromptNsPerToken * static_cast<int64_t>(ids.size()));
  }
  void step(TokenId id) override { step_together({&id, 1}); }
  void step_together(std::span<const TokenId> ids) override {
    check(ids);
    evaluated();
    ++position_;
    log += ids.size() == 1 ? "s " : "s" + std::to_string(ids.size()) + " ";
    clock_.advance_ns(kStepNs);
  }
  [[nodiscard]] std::span<const float> logits() const override { return logits_; }
  void score(std::span<const TokenId>, const std::function<void(int, std::span<const float>)>&) override {}
  [[nodiscard]] int position() const override { return position_; }
  [[nodiscard]] int vocab() const override { return 7; }

  std::string log;
  int evaluations = 0;
  int broken_after = 0;  ///< the evaluation whose last logit is `bad`; 0 = none
  float bad = 0;

 private:
  void evaluated() {
    if (++evaluations == broken_after) logits_.back() = bad;
  }
  void check(std::span<const TokenId> ids) const {
    for (const TokenId id : ids) EXPECT_TRUE(id >= 0 && id < vocab());
  }
  VirtualClock& clock_;
  int position_ = 0;
  std::vector<float> logits_{1, -2, 0, 3, 1, 2, 5};
};

// 1 GB/s and 1 GMAC/s: shares are then bytes or MACs per nanosecond.
BenchLimits one_of_each() { return {.read_gb_per_s = 1.0, .int8_gmac_per_s = 1.0, .int8_instruction = "dots"}; }

ModelInfo small_model() {
  ModelInfo info;
  info.accuracy = "fast";
  info.bytes_per_token = 1000;
  info.cache_bytes_per_position = 10;
  info.macs_per_token = 100;
  info.head_macs = 50;
  info.attention_macs_per_position = 2;
  return info;
}

BenchResult measure(const BenchRow& row, int repetitions, ScriptedEvaluator& evaluator, VirtualClock& clock) {
  return measure_row(row, repetitions, small_model(), evaluator, clock, one_of_each, [] {}, {});
}

TEST(BenchRows, AreNamedAndOrderedAsInLlamaBench) {
  std::vector<std::string> names;
  for (const BenchRow& row : bench_rows({512, 0}, {128}, {0, 4096}, {1})) names.push_back(row_name(row));
  EXPECT_THAT(names, ElementsAre("pp512", "tg128", "pp512 @ d4096", "tg128 @ d4096"));
  EXPECT_EQ(needed_context(bench_rows({512}, {128}, {0, 4096}, {1})), 4608);
  EXPECT_EQ(needed_sequences(bench_rows({512}, {128}, {0, 4096}, {1})), 1);
}

TEST(Bench, WarmsUpAndTimesOnlyWhatTheRowIsAbout) {
  VirtualClock clock;
  ScriptedEvaluator evaluator(clock);
  const BenchResult result = measure({.generate = 2, .depth = 3}, 2, evaluator, clock);
  EXPECT_EQ(evaluator.log, "t0 t0 p3 s s t3 s s t3 s s ") << "the depth is reached once and kept";
  EXPECT_THAT(result.samples_ns, ElementsAre(2 * kStepNs, 2 * kStepNs));
  EXPECT_THAT(result.samples_tok_per_s, ElementsAre(1e6, 1e6));
  EXPECT_DOUBLE_EQ(result.sd_ns.value(), 0);
}

TEST(Bench, PromptRowsEvaluateAllTokensInOneGo) {
  VirtualClock clock;
  ScriptedEvaluator evaluator(clock);
  const BenchResult result = measure({.prompt = 5}, 1, evaluator, clock);
  EXPECT_EQ(evaluator.log, "t0 t0 p5 t0 p5 ");
  EXPECT_THAT(result.samples_ns, ElementsAre(5 * kPromptNsPerToken));
  EXPECT_FALSE(result.sd_ns.has_value()) << "one sample has no spread";
}

// METHOD "MBU": weights + cache read at the mean depth + one position written. 4 steps from depth 6 read 6, 7, 8, 9 positions.
TEST(Bench, MbuCountsWeightsCacheReadAndOneWrite) {
  VirtualClock clock;
  ScriptedEvaluator evaluator(clock);
  const BenchResult result = measure({.generate = 4, .depth = 6}, 1, evaluator, clock);
  EXPECT_DOUBLE_EQ(result.bytes_per_token.value(), 1000 + 10 * 7.5 + 10);
  EXPECT_DOUBLE_EQ(result.mbu.value(), 1085.0 / kStepNs);
  EXPECT_THAT(result.flags, ElementsAre("mbu_over_limit")) << "1.085 is above 1.05";
}

// METHOD "MAC share": layers * P + attention + the head once. 3 tokens from depth 2 see 3, 4 and 5 positions.
TEST(Bench, MacShareOfAPromptCountsTheHeadOnce) {
  VirtualClock clock;
  ScriptedEvaluator evaluator(clock);
  const BenchResult result = measure({.prompt = 3, .depth = 2}, 1, evaluator, clock);
  const double macs = 3 * 100 + 2 * (3 + 4 + 5) + 50;
  EXPECT_DOUBLE_EQ(result.macs_per_token.value(), macs / 3);
  EXPECT_DOUBLE_EQ(result.mac_share.value(), macs / (3 * kPromptNsPerToken));
  EXPECT_FALSE(result.mbu.has_value());
  EXPECT_THAT(result.flags, ElementsAre("mac_share_over_limit"));
}

TEST(BenchRows, SequencesTogetherAreRowsOfTheirOwn) {
  const std::vector<BenchRow> rows = bench_rows({8}, {4}, {0, 16}, {1, 8});
  std::vector<std::string> names;
  for (const BenchRow& row : rows) names.push_back(row_name(row));
  EXPECT_THAT(names, ElementsAre("pp8", "tg4", "tg4 x 8", "pp8 @ d16", "tg4 @ d16", "tg4 x 8 @ d16"));
  EXPECT_EQ(needed_sequences(rows), 8);
}

// Weights once, caches for each: 2 steps of 4 sequences from depth 6 read 6 and 7 positions and write one, 4 times.
TEST(Bench, SequencesTogetherShareTheWeightsAndCountAllTokens) {
  VirtualClock clock;
  ScriptedEvaluator evaluator(clock);
  const BenchResult result = measure({.generate = 2, .depth = 6, .parallel = 4}, 1, evaluator, clock);
  EXPECT_EQ(evaluator.log, "t0 t0 p6 p6of1 p6of2 p6of3 s4 s4 t6 s4 s4 ");
  EXPECT_THAT(result.samples_tok_per_s, ElementsAre(8 * 1e9 / (2 * kStepNs)));
  EXPECT_DOUBLE_EQ(result.bytes_per_token.value(), (1000 + 4 * 10 * (6.5 + 1)) / 4);
  EXPECT_DOUBLE_EQ(result.mbu.value(), (1000 + 4 * 10 * 7.5) / kStepNs);
  EXPECT_DOUBLE_EQ(result.macs_per_token.value(), 100 + 50 + 2 * 7.5);
  EXPECT_DOUBLE_EQ(result.mac_share.value(), 4 * 165.0 / kStepNs);
  EXPECT_DOUBLE_EQ(result.limit_share.value(), result.mbu.value()) << "the larger of both";
}

// Of 3 tokens from depth 2, which see 3, 4 and 5 positions, the first two skip what only logits need.
TEST(Bench, MacShareOfAPromptLeavesOutWhatTheEngineSkips) {
  BenchResult result{.row = {.prompt = 3, .depth = 2}, .samples_ns = {1000}, .measured_limits = {one_of_each(), one_of_each()}};
  ModelInfo info = small_model();
  info.logits_only_macs = 30;
  info.logits_only_attention_macs_per_position = 1;
  derive(result, info);
  EXPECT_DOUBLE_EQ(result.macs_per_token.value(), (3 * 100 + 2 * (3 + 4 + 5) + 50 - 2 * 30 - (3 + 4)) / 3.0);
  result.row = {.generate = 3, .depth = 2};
  derive(result, info);
  EXPECT_DOUBLE_EQ(result.macs_per_token.value(), (3 * 100 + 2 * (3 + 4 + 5) + 3 * 50) / 3.0) << "every step has logits";
}

// Its inputs of two int8 digits make two dots of a multiply-add, which counts once, so that fast and exact stand beside each
// other.
TEST(Bench, ExactArithmeticCountsEachMultiplyAddOnce) {
  BenchResult fast{.row = {.prompt = 3}, .samples_ns = {1000}, .measured_limits = {one_of_each(), one_of_each()}};
  BenchResult exact = fast;
  ModelInfo info = small_model();
  derive(fast, info);
  info.accuracy = "exact";
  derive(exact, info);
  EXPECT_DOUBLE_EQ(exact.mac_share.value(), (3 * 100 + 2 * (1 + 2 + 3) + 50) / 1000.0);
  EXPECT_EQ(exact.mac_share, fast.mac_share);
}

// METHOD "MBU": read bandwidth on a working set of the same size; a smaller one would lie in a cache that the model does not fit.
TEST(Bench, LimitsAreOfAWorkingSetOfTheRowsSize) {
  ModelInfo info = small_model();
  info.bytes_per_token = 700'000'000;
  info.cache_bytes_per_position = 10'000;
  const BenchRow row{.generate = 3, .depth = 1000};
  EXPECT_EQ(working_set_bytes(row, info), 700'000'000 + 10'000 * (1001 + 1));
  EXPECT_EQ(working_set_bytes({.prompt = 5}, info), 700'000'000) << "a prompt reads the weights once";
  info.bytes_per_token = int64_t{40} << 30;
  EXPECT_EQ(working_set_bytes(row, info), int64_t{1} << 30);
  EXPECT_EQ(working_set_bytes(row, ModelInfo()), int64_t{1} << 30) << "unknown: surely not in a cache";
}

TEST(Bench, RefusesLogitsThatAreNotFinite) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  // Evaluations: the warm-up, two samples.
  for (const int broken_after : {1, 2, 3}) {
    for (const float bad : {kNan, kInfinity, -kInfinity}) {
      VirtualClock clock;
      ScriptedEvaluator evaluator(clock);
      evaluator.bad = bad;
      evaluator.broken_after = broken_after;
      try {
        static_cast<void>(measure({.prompt = 5}, 2, evaluator, clock));
        FAIL() << "no error";
      } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::engine);
        EXPECT_THAT(error.message(), testing::AllOf(HasSubstr("pp5"), HasSubstr("logits: not finite")));
      }
      EXPECT_EQ(evaluator.evaluations, broken_after) << "ends at once";
    }
  }
}

TEST(Bench, TheHigherOfTwoMeasuredLimitsCounts) {
  VirtualClock clock;
  ScriptedEvaluator evaluator(clock);
  std::vector<BenchLimits> measured{{.read_gb_per_s = 3, .int8_gmac_per_s = 20, .int8_instruction = "one"},
                                    {.read_gb_per_s = 4, .int8_gmac_per_s = 10, .int8_instruction = "other"}};
  for (int order = 0; order < 2; ++order) {
    std::size_t call = 0;
    const BenchResult result = measure_row(
        {.prompt = 1}, 1, small_model(), evaluator, clock, [&] { return measured[call++]; }, [] {}, {});
    EXPECT_EQ(result.limits.read_gb_per_s, 4);
    EXPECT_EQ(result.limits.int8_gmac_per_s, 20);
    EXPECT_EQ(result.limits.int8_instruction, "one");
    std::ranges::reverse(measured);
  }
}

TEST(Bench, SharesComeFromSamplesWhoseLimitsHeldStill) {
  VirtualClock clock;
  ScriptedEvaluator evaluator(clock);
  // Four samples of the same time: the limit changes during the second.
  const double limits[] = {2, 2, 4, 4.2, 4.1};
  std::size_t call = 0;
  const auto scripted = [&] {
    return BenchLimits{.read_gb_per_s = limits[call++], .int8_gmac_per_s = 1, .int8_instruction = "one"};
  };
  const BenchResult result = measure_row({.generate = 2}, 4, small_model(), evaluator, clock, scripted, [] {}, {});
  EXPECT_EQ(call, 5U);
  EXPECT_EQ(result.limits.read_gb_per_s, 4.2) << "the median of 2, 4.2 and 4.2";
  EXPECT_DOUBLE_EQ(result.mbu.value(), *result.bytes_per_token * result.mean_tok_per_s / 4.2e9);
  EXPECT_THAT(result.flags, testing::Not(testing::Contains("limits_changed")));
}

TEST(Bench, SaysWhereLimitsChangedInEverySample) {
  VirtualClock clock;
  ScriptedEvaluator evaluator(clock);
  double limit = 1;
  const BenchResult result = measure_row(
      {.generate = 2}, 2, small_model(), evaluator, clock,
      [&] { return BenchLimits{.read_gb_per_s = limit *= 2, .int8_gmac_per_s = 1, .int8_instruction = "one"}; }, [] {}, {});
  EXPECT_THAT(result.flags, testing::Contains("limits_changed"));
  EXPECT_EQ(result.limits.read_gb_per_s, 6) << "of 4 and 8";
}

TEST(Bench, EndsAtAStopRequest) {
  VirtualClock clock;
  ScriptedEvaluator evaluator(clock);
  StopSource stop;
  stop.request_stop();
  try {
    static_cast<void>(measure_row(
        {.prompt = 1}, 1, small_model(), evaluator, clock, [] { return BenchLimits{}; }, [] {}, stop.get_token()));
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::interrupted);
  }
}

TEST(BenchOutput, TheTableSaysWhichPeakItsSharesAreOf) {
  BenchRecord record{.engine = "embedded", .model = small_model(), .result = {.row = {.prompt = 4}, .samples_ns = {1000}}};
  record.model.isa = "avx2";
  record.model.accuracy = "exact";
  const BenchLimits limits{.read_gb_per_s = 1, .int8_gmac_per_s = 1, .int8_instruction = "vpmaddubsw ymm"};
  record.result.measured_limits = {limits, limits};
  derive(record.result, record.model);
  EXPECT_THAT(bench_markdown({record}), testing::AllOf(HasSubstr("0.47 of int8 peak"),
                                                       HasSubstr("int8 1-1 GMAC/s with vpmaddubsw ymm, the peak of avx2\n")));
  EXPECT_EQ(bench_json(record)["int8_instruction"], "vpmaddubsw ymm");
}

TEST(BenchOutput, UnknownIsNullInJsonAndEmptyInCsv) {
  const BenchRecord record{.engine = "embedded", .model = {}, .result = {.row = {.prompt = 4}, .samples_ns = {1}}};
  const Json json = bench_json(record);
  EXPECT_TRUE(json["mbu"].is_null());
  EXPECT_TRUE(json["stddev_ts"].is_null());
  EXPECT_TRUE(json["n_threads"].is_null());
  EXPECT_THAT(bench_csv_line(record), HasSubstr(",,"));
  EXPECT_THAT(bench_csv_line(record), testing::Not(HasSubstr("null")));
}

TEST(BenchOutput, CsvLinesHaveTheHeadersColumns) {
  const auto commas = [](const std::string& text) { return std::count(text.begin(), text.end(), ','); };
  EXPECT_EQ(commas(bench_csv_header()),
            commas(bench_csv_line({.engine = "e", .model = {.name = "m"}, .result = {.row = {.prompt = 4}}})));
  EXPECT_THAT(bench_csv_header(), testing::Not(HasSubstr("samples")));
}

}  // namespace
}  // namespace ifm
