#include "inferometer/measure/runner.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "inferometer/analysis/metrics.h"
#include "inferometer/base/error.h"
#include "inferometer/base/test_folder.h"
#include "inferometer/base/version.h"
#include "inferometer/engine/simulated.h"
#include "inferometer/measure/checks.h"
#include "inferometer/measure/engine_options.h"
#include "inferometer/measure/one_run.h"
#include "inferometer/measure/order.h"

namespace ifm {
namespace {

using ModelRun = ifm::Run;  // inside a test, Run is GoogleTest's

class FakeMachine final : public MachineProbe {
 public:
  [[nodiscard]] Environment environment() override { return {.cpu = "fake", .load_1m = 0.5}; }
  [[nodiscard]] MachineState state() override { return {.temperature_c = 40}; }
  [[nodiscard]] std::optional<CanaryTimes> canary() override { return CanaryTimes{1000, 1000}; }
  [[nodiscard]] std::optional<CpuTimes> cpu_times() override {
    times.total += 100;
    times.stolen += stolen_each_call;
    return times;
  }
  [[nodiscard]] std::optional<int64_t> suspended_ns() override { return slept_ns += sleeps_each_call_ns; }
  [[nodiscard]] RunCounters counters(RunEdge edge) override {
    counted_uj += edge == RunEdge::end ? uj_each_run : 0;
    return {.own_cpu_ns = counted_uj, .children_cpu_ns = 0, .major_faults = 7, .energy = {{{"intel-rapl:0", counted_uj, 0}}}};
  }
  [[nodiscard]] std::optional<double> waiting_cpu_share() override { return awake; }
  [[nodiscard]] std::optional<double> page_cache_share(const std::filesystem::path& /*model*/) override { return share; }
  void drop_page_cache(const std::filesystem::path& /*model*/) override { share = 0.0; }
  [[nodiscard]] std::string utc_now() override { return "2025-01-01T00:00:00Z"; }

  CpuTimes times;
  int64_t counted_uj = 1000;
  int64_t uj_each_run = 4'000'000;
  uint64_t stolen_each_call = 0;
  double awake = 0.02;
  int64_t slept_ns = 0;
  int64_t sleeps_each_call_ns = 0;
  double share = 1.0;
};

/// Stops the session after a number of measured runs.
class StopAfter final : public SessionObserver {
 public:
  explicit StopAfter(int runs) : left_(runs) {}
  void on_run_end(const ModelRun& run) override {
    if (run.kind == RunKind::measured && --left_ == 0) source.request_stop();
  }
  StopSource source;

 private:
  int left_;
};

Plan small_plan() {
  Plan plan;
  plan.name = "small";
  plan.engines = {{.id = "simulated", .kind = "simulated", .simulated = {{"load_ms", 50}, {"ttft_ms", 10}, {"gap_ms", 5}}}};
  plan.models = {"toy"};
  plan.prompts = {{.id = "p", .text = "x"}, {.id = "q", .text = "y"}};
  plan.max_tokens = {4, 8};
  plan.temperatures = {0.3, 0.7};
  plan.repeats = 3;
  plan.hash = "h1";
  return plan;
}

/// A comparison: four pairs of processes, with as many turns each.
Plan paired_plan(int turns) {
  Plan plan = small_plan();
  plan.engines = {{.id = "A", .kind = "simulated"}, {.id = "B", .kind = "simulated"}};
  plan.repeats = turns;
  plan.pairs = 4;
  return plan;
}

class RunnerTest : public testing::Test {
 protected:
  SessionOutcome run(const Plan& plan, SessionStart start = SessionStart::fresh, int stop_after = 0) {
    Store store(file(), Store::Access::write);
    StopAfter observer(stop_after);
    return run_session(plan, {.start = start, .command = "inferometer run"},
                       {factory, [](const std::string&) { return std::filesystem::path(); }, clock, store, machine, observer,
                        observer.source.get_token()});
  }
  [[nodiscard]] std::vector<ModelRun> stored(int64_t session = 1) const {
    return Store(file(), Store::Access::read).runs(session);
  }
  [[nodiscard]] std::filesystem::path file() const { return folder_.path() / "inferometer.db"; }

  VirtualClock clock;
  FakeMachine machine;
  EngineFactory factory = [this](const PlanEngine& engine, Mode mode) {
    return make_simulated_engine(engine_options_of(engine, mode, {}), clock);
  };

 private:
  test::TempFolder folder_;
};

std::vector<ModelRun> measured_of(const std::vector<ModelRun>& runs) {
  std::vector<ModelRun> measured;
  std::copy_if(runs.begin(), runs.end(), std::back_inserter(measured),
               [](const ModelRun& r) { return r.kind == RunKind::measured; });
  return measured;
}

TEST_F(RunnerTest, ExactTimesGiveExactMetrics) {
  const SessionOutcome outcome = run(small_plan());
  EXPECT_EQ(outcome.runs_ok, 24);
  EXPECT_EQ(outcome.runs_failed, 0);
  for (const ModelRun& r : measured_of(stored())) {
    // TTFT = 10 ms + 16 prompt tokens x 0.1 ms; each further token 5 ms.
    EXPECT_DOUBLE_EQ(r.metrics.ttft_s.value(), 0.0116);
    EXPECT_DOUBLE_EQ(r.metrics.e2e_s.value(), 0.0116 + 0.005 * (r.max_tokens - 1));
    EXPECT_DOUBLE_EQ(r.metrics.tpot_s.value(), 0.005);
    EXPECT_DOUBLE_EQ(r.metrics.decode_tok_per_s.value(), 200.0);
    EXPECT_DOUBLE_EQ(r.metrics.prefill_tok_per_s.value(), 10'000.0);
    EXPECT_FALSE(r.metrics.load_s.has_value());
    EXPECT_EQ(r.output_tokens, r.max_tokens);
    EXPECT_EQ(r.stamps.offset_ns.size(), static_cast<std::size_t>(r.max_tokens));
    EXPECT_EQ(r.engine_end_ns.value() - r.engine_start_ns.value(), r.stamps.offset_ns.back());
    EXPECT_TRUE(r.flags.empty());
  }
}

TEST_F(RunnerTest, WarmupReallyRunsAndStaysOutOfTheMeasuredRuns) {
  Plan plan = small_plan();
  plan.warmup = 2;
  run(plan);
  const auto runs = stored();
  ASSERT_EQ(runs.size(), 26U);
  for (std::size_t i = 0; i < runs.size(); ++i) {
    EXPECT_EQ(runs[i].order, static_cast<int>(i));
    EXPECT_EQ(runs[i].kind, i < 2 ? RunKind::warmup : RunKind::measured);
    EXPECT_EQ(runs[i].predecessor, i == 0 ? std::nullopt : std::optional<int>(static_cast<int>(i) - 1));
  }
  EXPECT_EQ(runs[0].output_tokens, runs[0].max_tokens);
  EXPECT_NE(runs[0].seed, runs[1].seed);
  EXPECT_DOUBLE_EQ(runs[0].metrics.load_s.value(), 0.05);
  EXPECT_FALSE(runs[1].metrics.load_s.has_value());
}

TEST_F(RunnerTest, ColdRunsHaveTheirLoadInsideTheLatency) {
  Plan plan = small_plan();
  plan.modes = {Mode::cold};
  plan.warmup = 0;
  plan.page_cache = PageCache::dropped;
  run(plan);
  const auto runs = stored();
  ASSERT_EQ(runs.size(), 24U);
  for (const ModelRun& r : runs) {
    EXPECT_DOUBLE_EQ(r.metrics.load_s.value(), 0.05);
    EXPECT_DOUBLE_EQ(r.metrics.ttft_s.value(), 0.0616);
    EXPECT_DOUBLE_EQ(r.metrics.tpot_s.value(), 0.005);
    EXPECT_EQ(r.load_begin_ns, r.start_ns);
    EXPECT_EQ(r.page_cache_share, 0.0);
  }
}

TEST_F(RunnerTest, SwitchingEnginesCostsOneRecordedRewarmingRun) {
  Plan plan = small_plan();
  plan.engines.push_back({.id = "other", .kind = "simulated", .simulated = {{"gap_ms", 9}}});
  run(plan);
  const auto runs = stored();
  // Block 0: both engines are loaded and warmed; block 1 begins with the engine that block 0 ended with, then switches; so does
  // block 2, or it switches twice.
  std::string engine;
  bool warmed = false;
  for (const ModelRun& r : runs) {
    if (r.kind == RunKind::warmup) {
      EXPECT_NE(r.engine, engine);
      engine = r.engine;
      warmed = true;
      continue;
    }
    EXPECT_EQ(r.engine, engine) << "a switch without re-warming before run " << r.order;
    warmed = false;
  }
  EXPECT_FALSE(warmed);
  EXPECT_EQ(measured_of(runs).size(), 48U);
}

TEST_F(RunnerTest, Fault68ResumeNeitherLosesNorDoublesARun) {
  const Plan plan = small_plan();
  run(plan);
  const auto whole = measured_of(stored());
  for (int stop_after = 1; stop_after < 24; stop_after += 5) {
    std::filesystem::remove(file());
    const SessionOutcome first = run(plan, SessionStart::fresh, stop_after);
    EXPECT_TRUE(first.interrupted);
    EXPECT_EQ(first.runs_ok, stop_after);
    const SessionOutcome second = run(plan, SessionStart::resume);
    EXPECT_FALSE(second.interrupted);
    EXPECT_EQ(second.session, first.session);
    EXPECT_EQ(second.runs_ok, 24);
    const auto resumed = measured_of(stored());
    ASSERT_EQ(resumed.size(), whole.size());
    for (std::size_t i = 0; i < whole.size(); ++i) {
      EXPECT_EQ(resumed[i].cell, whole[i].cell);
      EXPECT_EQ(resumed[i].repeat, whole[i].repeat);
      EXPECT_EQ(resumed[i].seed, whole[i].seed);
      if (i > 0) {
        EXPECT_GE(resumed[i].start_ns, resumed[i - 1].start_ns + resumed[i - 1].stamps.offset_ns.back());
      }
    }
  }
}

TEST_F(RunnerTest, Fault60EditedPlanFinishedSessionAndNothingAreNotResumed) {
  Plan plan = small_plan();
  EXPECT_THROW(run(plan, SessionStart::resume), Error);
  run(plan, SessionStart::fresh, 3);
  Plan edited = plan;
  edited.hash = "h2";
  try {
    run(edited, SessionStart::resume);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    EXPECT_NE(error.message().find("edited"), std::string::npos);
  }
  run(plan, SessionStart::resume);
  EXPECT_THROW(run(plan, SessionStart::resume), Error);
}

TEST_F(RunnerTest, FailedRunsAreRecordedWithTheirReasonAndTheSessionGoesOn) {
  Plan plan = small_plan();
  plan.engines[0].simulated.emplace_back("fail_every", 5);
  const SessionOutcome outcome = run(plan);
  EXPECT_EQ(outcome.runs_ok + outcome.runs_failed, 24);
  EXPECT_GT(outcome.runs_failed, 0);
  for (const ModelRun& r : stored()) {
    if (r.status == RunStatus::ok) continue;
    EXPECT_EQ(r.error_kind, "engine");
    EXPECT_NE(r.error_message.find("fail_every"), std::string::npos);
    EXPECT_FALSE(r.metrics.e2e_s.has_value());
  }
}

TEST_F(RunnerTest, SessionWhoseEveryRunFailsHasNoneOk) {
  Plan plan = small_plan();
  plan.engines[0].simulated.emplace_back("fail_every", 1);
  const SessionOutcome outcome = run(plan);
  EXPECT_EQ(outcome.runs_ok, 0);
  EXPECT_EQ(outcome.runs_failed, 24);
}

TEST_F(RunnerTest, LateTokensFailTheRunAsTimeout) {
  Plan plan = small_plan();
  plan.timeouts.gap_s = 0.004;
  EXPECT_EQ(run(plan).runs_failed, 24);
  EXPECT_EQ(measured_of(stored())[0].error_kind, "timeout");
  plan.timeouts = {.first_token_s = 0.011};
  EXPECT_EQ(run(plan).runs_failed, 24);
  EXPECT_NE(measured_of(stored(2))[0].error_message.find("no first token"), std::string::npos);
}

TEST_F(RunnerTest, Fault93And94StealAndSuspendsAreFlagged) {
  machine.stolen_each_call = 3;
  run(small_plan());
  const auto first = measured_of(stored());
  EXPECT_EQ(first[0].steal_percent, 3.0);
  EXPECT_EQ(first[0].flags, std::vector<std::string>{"steal"});
  EXPECT_EQ(first[0].status, RunStatus::ok);
  machine.stolen_each_call = 0;
  machine.sleeps_each_call_ns = 1'000'000'000;
  EXPECT_EQ(run(small_plan()).runs_failed, 24);
  EXPECT_EQ(measured_of(stored(2))[0].error_kind, "suspended");
}

TEST_F(RunnerTest, WhatTheMachineCountsAroundARunIsStoredWithIt) {
  run(small_plan());
  for (const ModelRun& run : stored()) {
    EXPECT_EQ(run.resources.cpu_ns, 4'000'000);
    EXPECT_EQ(run.resources.major_faults, 0);
    EXPECT_EQ(run.resources.minor_faults, std::nullopt);
    EXPECT_EQ(run.resources.energy_j, 4);
    EXPECT_EQ(run.resources.temperature_c, 40);
    EXPECT_EQ(run.metrics.joules_per_token, 4.0 / run.max_tokens);
  }
}

TEST_F(RunnerTest, WhatEnginesUseWhileAllWaitIsRecordedOfEachBlockAndFlaggedWhenItDisturbs) {
  run(small_plan());
  const std::vector<BlockRecord> blocks = Store(file(), Store::Access::read).blocks(1);
  ASSERT_EQ(blocks.size(), 3U);
  EXPECT_FALSE(blocks[0].waiting_cpu_share) << "nothing is loaded before the first run";
  EXPECT_EQ(blocks[1].waiting_cpu_share, 0.02);
  machine.awake = 0.5;
  run(small_plan());
  for (const ModelRun& run : measured_of(stored(2))) {
    EXPECT_EQ(run.flags, run.block == 0 ? std::vector<std::string>() : std::vector<std::string>{"engines_awake"});
  }
}

TEST_F(RunnerTest, PairsAreBalancedAndEverySideOfAPairIsAProcessOfItsOwn) {
  const Plan plan = paired_plan(2);
  EXPECT_EQ(run(plan).runs_ok, 2 * 8 * 2 * 4);
  std::vector<std::string> loads;
  for (const ModelRun& run : stored()) {
    if (run.load_begin_ns) loads.push_back(run.engine);
  }
  ASSERT_EQ(loads.size(), 8U) << "every pair loads anew, and each of its sides once";
  for (std::size_t i = 0; i < loads.size(); i += 4) {
    EXPECT_NE(loads[i], loads[i + 1]);
    EXPECT_EQ(loads[i], loads[i + 3]) << "AB BA";
    EXPECT_EQ(loads[i + 1], loads[i + 2]);
  }
  std::map<int, std::vector<std::pair<std::string, int>>> work;  // pair and side → what ran
  for (const ModelRun& run : measured_of(stored())) {
    work[2 * run.block + (run.engine == "B" ? 1 : 0)].emplace_back(run.prompt, run.max_tokens);
    EXPECT_EQ(run.repeat / 2, run.block);
  }
  for (int pair = 0; pair < 4; ++pair) EXPECT_EQ(work[2 * pair], work[2 * pair + 1]) << "the same work in the same order";
}

TEST_F(RunnerTest, TheSidesOfAPairTakeTurnsAndAreWarmedUpAfterEachSwitch) {
  run(paired_plan(3));
  std::string first_pair;  // warm-ups small, turns of 8 cells large
  std::size_t cells = 0;
  for (const ModelRun& run : stored()) {
    if (run.block != 0) break;
    if (run.kind == RunKind::warmup) {
      first_pair += run.engine == "A" ? 'a' : 'b';
    } else if (cells++ % 8 == 0) {
      first_pair += run.engine;
    }
  }
  EXPECT_TRUE(first_pair == "aAbBBaAAbB" || first_pair == "bBaAAbBBaA") << first_pair;
}

TEST_F(RunnerTest, ASideThatUsesTheProcessorWhileTheOtherHasItsTurnIsFlagged) {
  machine.awake = 0.5;
  run(paired_plan(2));
  std::map<int, std::size_t> of_pair;
  for (const ModelRun& run : measured_of(stored()))
    EXPECT_EQ(run.flags.empty(), of_pair[run.block]++ < 8) << "only in the first turn there is no other";
}

TEST_F(RunnerTest, AFlaggedPairIsFollowedByOneMoreWithinTheBudget) {
  Plan plan = paired_plan(1);
  plan.pairs = 3;
  plan.extra_pairs = 2;
  run(plan);
  EXPECT_EQ(Store(file(), Store::Access::read).blocks(1).size(), 3U) << "none was flagged";
  machine.stolen_each_call = 5;
  EXPECT_EQ(run(plan).runs_ok, 2 * 8 * 5);
  EXPECT_EQ(Store(file(), Store::Access::read).blocks(2).size(), 5U) << "every pair is flagged: as many more as the budget has";
}

TEST_F(RunnerTest, AStopEndsTheSessionAfterAWholeBlockAndResumingGoesOnToTheSameEnd) {
  Plan plan = small_plan();
  plan.stop = PlanStop{.half_width = 0.01, .min_runs = 10, .max_runs = 60};
  plan.repeats = 60;
  EXPECT_EQ(run(plan).runs_ok, 8 * 15) << "exact times: known at the first look, still at the second";
  EXPECT_FALSE(Store(file(), Store::Access::read).session(1).finished_utc.empty());
  EXPECT_TRUE(run(plan, SessionStart::fresh, 30).interrupted);
  const SessionOutcome resumed = run(plan, SessionStart::resume);
  EXPECT_EQ(resumed.runs_ok, 8 * 15) << "what was measured before counts";
}

TEST_F(RunnerTest, SessionRemembersMachineModelAndOrder) {
  const Plan plan = small_plan();
  run(plan);
  const Session session = Store(file(), Store::Access::read).session(1);
  EXPECT_EQ(session.environment.cpu, "fake");
  EXPECT_EQ(session.order_seed, order_seed_of(plan));
  EXPECT_EQ(session.finished_utc, "2025-01-01T00:00:00Z");
  ASSERT_EQ(session.models.size(), 1U);
  EXPECT_DOUBLE_EQ(session.models[0].load_s.value(), 0.05);
  EXPECT_EQ(session.models[0].engine_version, build_version().version);
  EXPECT_EQ(Store(file(), Store::Access::read).blocks(1).size(), 3U);
}

}  // namespace
}  // namespace ifm
