#include "inferometer/analysis/sentences.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "inferometer/analysis/phrases.h"
#include "inferometer/analysis/simulated_runs.h"

namespace ifm {
namespace {

using simulated::Data;
using simulated::Design;
using simulated::find;
using simulated::Noise;
using simulated::simulate;
using simulated::Times;
using testing::HasSubstr;

Data steady(double ttft_s, double gap_s, double sd = 0.005) {
  auto noise = std::make_shared<Noise>(4, sd);
  return simulate({.times = [=](const ifm::Run&) {
    const double f = noise->factor();
    return Times{ttft_s * f, gap_s * f};
  }});
}

std::string text(const std::vector<Conclusion>& list, const std::string& id) {
  const Conclusion* found = find(list, id);
  return found ? found->text : "";
}

TEST(Conclusions, ScalingNamesScopeRangeAndFit) {
  const std::string s = text(steady(0.2, 0.0125).study().conclusions, "scaling");
  EXPECT_THAT(s, HasSubstr("For these three prompts, latency is "));
  EXPECT_THAT(s, HasSubstr("per output token"));
  EXPECT_THAT(s, HasSubstr("95 % CI"));
  EXPECT_THAT(s, HasSubstr("over 64 to 256 tokens"));
}

TEST(Conclusions, RisingThroughputIsLaidToTheFixedPartWhenTheLineHolds) {
  EXPECT_THAT(text(steady(0.5, 0.0125).study().conclusions, "throughput"), HasSubstr("because the fixed part"));
}

TEST(Conclusions, WithoutFixedPartThroughputIsNotSaidToRise) {
  // ttft = one gap: E2E is exactly proportional to N but for noise.
  EXPECT_THAT(text(steady(0.0125, 0.0125, 0.02).study().conclusions, "throughput"), HasSubstr("cannot be told from zero"));
}

TEST(Conclusions, SpreadIsLaidToTheLengthAndNotToNoise) {
  const std::string s = text(steady(0.2, 0.0125).study().conclusions, "variability");
  EXPECT_THAT(s, HasSubstr("output length over 99.9 % (p < 0.001)"));
  EXPECT_THAT(s, HasSubstr("under 0.10 % each: "));
  EXPECT_THAT(s, HasSubstr("sd over the whole design"));
  EXPECT_THAT(s, HasSubstr("mostly the output length, not noise"));
}

TEST(Conclusions, TemperatureSaysVerdictAndDetectableEffect) {
  const std::string s = text(steady(0.2, 0.0125).study().conclusions, "temperature");
  EXPECT_THAT(s, HasSubstr("Latency at temperature 0.7 against 0.3: for these three prompts no effect larger than "));
  EXPECT_THAT(s, HasSubstr(" % (95 %): "));
  EXPECT_THAT(s, HasSubstr("equivalent within ±1.0 %"));
  EXPECT_THAT(s, HasSubstr("27 pairs would have shown"));
  EXPECT_THAT(text(steady(0.2, 0.0125, 0.1).study().conclusions, "temperature"), HasSubstr("inconclusive"));
}

TEST(Conclusions, TheBoundOfATemperatureEffectIsTheFartherEndOfItsInterval) {
  const Study study = steady(0.2, 0.0125).study();
  const Interval ci95 = study.temperature.front().ratio_ci95.value();
  const double farther = std::max(std::abs(ci95.low - 1), std::abs(ci95.high - 1));
  EXPECT_THAT(text(study.conclusions, "temperature"),
              HasSubstr("no effect larger than " + phrases::percent(farther) + " (95 %)"));
}

TEST(Conclusions, NoFactorIsCalledTheCauseOfTheSpreadWithoutATest) {
  // One run in each cell and as many factors as runs allow: no test has degrees of freedom left.
  const Design design{.prompts = {"question"}, .max_tokens = {64, 128, 256}, .temperatures = {0.3}, .repeats = 1};
  const std::string s = text(simulate(design).study().conclusions, "variability");
  EXPECT_THAT(s, HasSubstr("output length"));
  EXPECT_THAT(s, testing::Not(HasSubstr("not noise")));
}

TEST(Conclusions, TheHarnessIsHeldAgainstTheSmallestGap) {
  Data data = simulate({});
  data.session.environment.harness_overhead_ns_per_token = 115;
  data.runs[5].stamps.offset_ns[1] = data.runs[5].stamps.offset_ns[0] + 2'000'000;
  data.runs[6].stamps.offset_ns[1] = data.runs[6].stamps.offset_ns[0] + 1'000'000;
  data.runs[6].flags = {"suspended"};
  EXPECT_EQ(text(data.study().conclusions, "overall_overhead"),
            "The harness adds 0.115 µs per token, 0.0057 % of the smallest gap between tokens here (2.00 ms).");
  data.session.environment.harness_overhead_ns_per_token.reset();
  EXPECT_EQ(find(data.study().conclusions, "overall_overhead"), nullptr);
}

TEST(Conclusions, EnergyPerTokenStandsBesideThePowerAtRest) {
  Data data = simulate({});
  EXPECT_EQ(find(data.study().conclusions, "overall_energy"), nullptr) << "no run says what it used";
  for (auto& run : data.runs) {
    run.resources.energy_j = 0.5 * run.max_tokens;
    run.metrics = metrics_of(run);
  }
  data.session.environment.idle_power_w = 12.34;
  EXPECT_EQ(text(data.study().conclusions, "overall_energy"),
            "The processor's packages used 0.500 J per token, everything that ran on them included; at rest they draw 12.3 W.");
  data.session.environment.idle_power_w.reset();
  EXPECT_THAT(text(data.study().conclusions, "overall_energy"), HasSubstr("at rest they draw an unknown power."));
}

TEST(Fitness, FollowsTheThresholds) {
  const auto verdicts = [](double ttft_s, double gap_s) {
    std::vector<Fit> fits;
    for (const Fitness& f : steady(ttft_s, gap_s).study().fitness) fits.push_back(f.verdict);
    return fits;  // interactive_chat, conversation, long_form
  };
  EXPECT_THAT(verdicts(0.1, 0.01), testing::ElementsAre(Fit::yes, Fit::yes, Fit::yes));
  EXPECT_THAT(verdicts(0.5, 0.01), testing::ElementsAre(Fit::yes, Fit::no, Fit::yes));
  EXPECT_THAT(verdicts(0.1, 0.2), testing::ElementsAre(Fit::no, Fit::yes, Fit::no));  // 5 tok/s
  EXPECT_THAT(verdicts(1.5, 0.05), testing::ElementsAre(Fit::no, Fit::no, Fit::yes));
}

TEST(Fitness, OneLengthIsExtrapolatedWithAnIntervalOrUndecided) {
  const auto long_form = [](int repeats) {
    auto noise = std::make_shared<Noise>(4, 0.02);
    const Design design{.max_tokens = {64}, .repeats = repeats, .times = [=](const ifm::Run&) {
                          const double f = noise->factor();
                          return Times{0.1 * f, 0.01 * f};
                        }};
    return simulate(design).study().fitness.back();
  };
  EXPECT_EQ(long_form(5).verdict, Fit::yes);
  EXPECT_THAT(long_form(5).text, HasSubstr("(at least 90 % CI "));
  EXPECT_EQ(long_form(3).verdict, Fit::undecided);
  EXPECT_THAT(long_form(3).text, HasSubstr("(no interval: under 30 runs in the session, extrapolated"));
  EXPECT_EQ(long_form(1).verdict, Fit::undecided);
  EXPECT_THAT(long_form(1).text, HasSubstr("(no interval: no cell was repeated, extrapolated"));
}

TEST(Fitness, SaysWhetherItIsP90OrTheLargest) {
  EXPECT_THAT(steady(0.1, 0.01).study().fitness[0].text, HasSubstr("p90"));
  Design few{.repeats = 1};
  EXPECT_THAT(simulate(few).study().fitness[0].text, HasSubstr("largest time to first token 100 ms of 18 runs (a p90 needs 36)"));
}

TEST(Warnings, QuietMachineHasNoneOfTheMachine) {
  const Study study = steady(0.2, 0.0125).study();
  for (const char* id : {"virtual_machine", "governor", "load", "steal", "cpu_quota", "failed_runs", "invalid_runs", "unfinished",
                         "lengths", "cached", "overhead"})
    EXPECT_EQ(find(study.warnings, id), nullptr) << id;
}

TEST(Warnings, MachineConditionsAreNamed) {
  Data data = steady(0.2, 0.0125);
  Environment& e = data.session.environment;
  e.host_class = "virtual machine (kvm)";
  e.governor.clear();
  e.logical_cores = 2;
  e.load_1m = 1.7;
  e.steal_percent = 3.5;
  e.cpu_quota_cores = 1.5;
  e.harness_overhead_ns_per_token = 1'000'000;
  const Study study = data.study();
  EXPECT_THAT(text(study.warnings, "virtual_machine"), HasSubstr("virtual machine (kvm)"));
  EXPECT_THAT(text(study.warnings, "governor"), HasSubstr("not known"));
  EXPECT_THAT(text(study.warnings, "load"), HasSubstr("1.70 on 2"));
  EXPECT_THAT(text(study.warnings, "steal"), HasSubstr("3.5 %"));
  EXPECT_THAT(text(study.warnings, "cpu_quota"), HasSubstr("1.50 of 2"));
  EXPECT_THAT(text(study.warnings, "overhead"), HasSubstr("1.00 ms per token"));
}

TEST(Warnings, FlaggedRunsAreShownWithAndWithout) {
  Data data = steady(0.2, 0.0125, 0);
  for (size_t i = 0; i < 6; ++i) data.runs[i].flags = {"canary"};
  data.runs[6].flags = {"canary", "steal"};
  const Study study = data.study();
  EXPECT_THAT(text(study.warnings, "flag_canary"), HasSubstr("7 of 54 runs"));
  EXPECT_THAT(text(study.warnings, "flag_steal"), HasSubstr("1 of 54 runs"));
  EXPECT_EQ(study.unflagged_latency_s->n, 47);
  EXPECT_EQ(study.flags[0].flag, "canary");
  EXPECT_THAT(text(study.warnings, "without_flags"), HasSubstr("without them"));
}

TEST(Warnings, FailuresAreCountedByReason) {
  Data data = steady(0.2, 0.0125);
  for (size_t i = 0; i < 3; ++i) {
    data.runs[i].status = RunStatus::failed;
    data.runs[i].error_kind = i == 0 ? "timeout" : "engine";
    data.runs[i].metrics = {};
  }
  EXPECT_THAT(text(data.study().warnings, "failed_runs"), HasSubstr("3 of 54 runs failed (engine 2, timeout 1)"));
}

TEST(Warnings, ASideThatDrawsMoreFlagsIsAFinding) {
  Design design{.engines = {"embedded", "process"}};
  Data data = simulate(design);
  int flagged = 0;
  for (auto& run : data.runs)
    if (run.engine == "process" && flagged++ < 9) run.flags = {"canary"};
  EXPECT_THAT(text(data.study().warnings, "uneven_flags"), HasSubstr("drew 0 flags in 54 runs"));
}

TEST(Warnings, FirstRunsThatAreSlowerThanLaterOnesHadNotSettled) {
  Noise noise(5, 0.002);
  Design design;
  design.times = [&noise](const ifm::Run& run) { return Times{0.1 * noise.factor() * (run.block == 0 ? 1.1 : 1), 0.0125}; };
  Data slow_start = simulate(design);
  EXPECT_TRUE(text(slow_start.study().warnings, "unsettled").empty())
      << "10 % of the first token alone is under 2 % of the latency";
  design.times = [&noise](const ifm::Run& run) {
    const double factor = noise.factor() * (run.block == 0 ? 1.05 : 1);
    return Times{0.1 * factor, 0.0125 * factor};
  };
  Data unsettled = simulate(design);
  EXPECT_THAT(text(unsettled.study().warnings, "unsettled"), HasSubstr("first runs of 18 cells were 5."));
  for (auto& run : unsettled.runs) run.mode = Mode::cold;
  EXPECT_TRUE(text(unsettled.study().warnings, "unsettled").empty()) << "cold runs are not warmed up";
}

TEST(Warnings, ASessionThatStoppedAsPlannedIsComplete) {
  Data data = steady(0.2, 0.0125);
  data.session.plan.repeats = 50;
  EXPECT_FALSE(text(data.study().warnings, "unfinished").empty());
  data.session.plan.stop = PlanStop{.max_runs = 50};
  EXPECT_FALSE(text(data.study().warnings, "unfinished").empty()) << "it was interrupted before its end";
  data.session.finished_utc = "2026-01-01T00:00:00Z";
  EXPECT_TRUE(text(data.study().warnings, "unfinished").empty());
}

TEST(Warnings, MissingRunsMakeASessionUnfinished) {
  Data data = steady(0.2, 0.0125);
  data.runs.resize(20);
  EXPECT_THAT(text(data.study().warnings, "unfinished"), HasSubstr("20 of 54"));
}

TEST(Phrases, NumbersHaveThreeDigitsAndAUnit) {
  EXPECT_EQ(phrases::seconds(2.6789), "2.68 s");
  EXPECT_EQ(phrases::seconds(0.1534), "153 ms");
  EXPECT_EQ(phrases::seconds(8.31e-6), "8.31 µs");
  EXPECT_EQ(phrases::seconds(Interval{0.1401, 0.1664}), "140 to 166 ms");
  EXPECT_EQ(phrases::seconds(Interval{-0.01, 0.1664}), "-10 to 166 ms");
  EXPECT_EQ(phrases::percent(0.971), "97.1 %");
  EXPECT_EQ(phrases::percent(0.0004), "0.040 %");
  EXPECT_EQ(phrases::percent(1e-9), "under 0.0001 %");
  EXPECT_EQ(phrases::percent(0), "0 %");
  EXPECT_EQ(phrases::percent(Interval{0.0171, 0.0264}), "1.7 to 2.6 %");
  EXPECT_EQ(phrases::percent(Interval{0.00021, 0.0004}), "0.021 to 0.040 %");
  EXPECT_EQ(phrases::change(1.031), "+3.1 %");
  EXPECT_EQ(phrases::change(0.9988), "-0.12 %");
  EXPECT_EQ(phrases::p_value(0.0004), "p < 0.001");
  EXPECT_EQ(phrases::p_value(0.0341), "p = 0.034");
  EXPECT_EQ(phrases::number(1234.6), "1235");
}

}  // namespace
}  // namespace ifm
