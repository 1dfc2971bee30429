#include "inferometer/analysis/study.h"

#include <map>
#include <numeric>

#include <gtest/gtest.h>

#include "inferometer/analysis/simulated_runs.h"
#include "inferometer/stats/time_structure.h"

namespace ifm {
namespace {

using simulated::Data;
using simulated::Design;
using simulated::simulate;
using simulated::Times;

/// Every length, prompt, temperature and repeat has its own exact effect.
Times exact_times(const ifm::Run& run) {
  const double prompt = run.prompt == "question" ? 0 : run.prompt == "explanation" ? 0.002 : 0.005;
  return {0.05 + prompt, 0.01 + 0.0001 * run.repeat + 0.00005 * (run.temperature > 0.5 ? 1 : 0)};
}

double plain_mean(const std::vector<double>& x) {
  return std::accumulate(x.begin(), x.end(), 0.0) / static_cast<double>(x.size());
}

double plain_ss(const std::vector<double>& x) {
  double total = 0;
  for (const double v : x) total += (v - plain_mean(x)) * (v - plain_mean(x));
  return total;
}

TEST(Groups, EveryNumberOfTheOverallGroupIsRecomputed) {
  const Data data = simulate({.times = exact_times});
  const Study study = data.study();
  std::vector<double> all;
  std::map<int, std::vector<double>> cells;
  double tokens = 0;
  for (const auto& run : data.runs) {
    const Times t = exact_times(run);
    all.push_back(t.ttft_s + t.gap_s * (run.max_tokens - 1));
    cells[run.cell].push_back(all.back());
    tokens += run.max_tokens;
  }
  double within = 0;
  for (const auto& [cell, x] : cells) within += plain_ss(x);
  const double sd_within = std::sqrt(within / (54 - 18));
  const MetricSummary& m = study.overall.latency_s;
  EXPECT_EQ(m.n, 54);
  EXPECT_NEAR(m.mean.value(), plain_mean(all), 1e-12);
  EXPECT_NEAR(m.sd.value(), std::sqrt(plain_ss(all) / 53), 1e-12);
  EXPECT_NEAR(m.sd_within.value(), sd_within, 1e-12);
  std::vector<stats::TimedValue> timed;  // the interval itself is held against statsmodels in stats/time_structure_test.cpp
  for (const auto& run : data.runs) timed.push_back({*run.metrics.e2e_s, run.cell, static_cast<double>(run.start_ns)});
  const Interval interval = stats::mean_interval_in_time(timed, stats::time_structure(timed).value()).value();
  EXPECT_NEAR(m.ci95->low, interval.low, 1e-11);
  EXPECT_NEAR(m.ci95->high, interval.high, 1e-11);
  EXPECT_EQ(m.ci95_reason, NoInterval::none);
  std::sort(all.begin(), all.end());
  EXPECT_NEAR(m.min.value(), all.front(), 1e-15);
  EXPECT_NEAR(m.max.value(), all.back(), 1e-15);
  EXPECT_NEAR(m.median.value(), (all[26] + all[27]) / 2, 1e-12);
  EXPECT_FALSE(m.p90 || m.p90_ci95 || m.median_ci95) << "each repeat is slower than the one before";
  EXPECT_EQ(m.p90_ci95_reason, NoInterval::drift);
  EXPECT_NEAR(study.overall.total_tok_per_s.value(), tokens / std::accumulate(all.begin(), all.end(), 0.0), 1e-9);
}

TEST(Groups, LevelsComeInOrderWithTheirRuns) {
  const Study study = simulate({.times = exact_times}).study();
  ASSERT_EQ(study.by_max_tokens.size(), 3u);
  EXPECT_EQ(study.by_max_tokens[0].label, "64");
  EXPECT_EQ(study.by_max_tokens[2].label, "256");
  EXPECT_EQ(study.by_max_tokens[2].keys.at("max_tokens"), "256");
  ASSERT_EQ(study.by_temperature.size(), 2u);
  EXPECT_EQ(study.by_temperature[0].label, "0.3");
  ASSERT_EQ(study.by_prompt.size(), 3u);
  EXPECT_EQ(study.by_prompt[0].label, "question");
  ASSERT_EQ(study.by_model.size(), 1u);
  EXPECT_EQ(study.by_model[0].label, "embedded · smollm2-135m");
  EXPECT_EQ(study.cells.size(), 18u);
  for (const Group& group : study.by_max_tokens) EXPECT_EQ(group.runs_ok, 18);
  for (const Group& cell : study.cells) EXPECT_EQ(cell.latency_s.n, 3);
  EXPECT_TRUE(study.series_effects.empty());  // one series: nothing to compare
}

TEST(Groups, OneRunPerCellHasNoIntervals) {
  const Study study = simulate({.repeats = 1, .times = exact_times}).study();
  EXPECT_FALSE(study.overall.latency_s.ci95 || study.overall.latency_s.sd_within || study.overall.latency_s.p90);
  EXPECT_TRUE(study.overall.latency_s.sd);
  for (const Group& cell : study.cells) {
    EXPECT_TRUE(cell.latency_s.mean);
    EXPECT_FALSE(cell.latency_s.sd || cell.latency_s.ci95 || cell.latency_s.median_ci95 || cell.latency_s.cv_within);
  }
  EXPECT_NE(simulated::find(study.warnings, "no_repeats"), nullptr);
}

TEST(Groups, FailedWarmupAndInvalidRunsLeaveTheTimings) {
  Data data = simulate({.times = exact_times});
  data.runs[0].status = RunStatus::failed;
  data.runs[0].error_kind = "engine";
  data.runs[1].flags = {"clock_disagreement"};
  data.runs[2].kind = RunKind::warmup;
  data.runs[3].flags = {"suspended"};
  const Study study = data.study();
  EXPECT_EQ(study.runs_failed, 1);
  EXPECT_EQ(study.runs_ok, 52);
  EXPECT_EQ(study.runs_invalid, 2);
  EXPECT_EQ(study.runs_warmup, 1);
  EXPECT_EQ(study.runs.size(), 53u);
  EXPECT_EQ(study.overall.latency_s.n, 50);
  EXPECT_EQ(study.overall.runs_failed, 1);
}

TEST(Groups, EveryRunFailedGivesNullsNotZeros) {
  Data data = simulate({.times = exact_times});
  for (auto& run : data.runs) {
    run.status = RunStatus::failed;
    run.error_kind = "timeout";
    run.metrics = {};
  }
  const Study study = data.study();
  EXPECT_EQ(study.runs_failed, 54);
  EXPECT_EQ(study.overall.latency_s.n, 0);
  EXPECT_FALSE(study.overall.latency_s.mean || study.overall.total_tok_per_s || study.drift_percent_per_hour);
  EXPECT_TRUE(study.variance.empty() && study.fitness.empty());
  EXPECT_FALSE(study.scaling[0].fixed_s);
  EXPECT_EQ(study.temperature[0].verdict, Equivalence::not_applicable);
  EXPECT_NE(simulated::find(study.warnings, "failed_runs"), nullptr);
}

TEST(Groups, NoRunsAtAll) {
  const Study study = analyze({}, {});
  EXPECT_EQ(study.runs_ok, 0);
  EXPECT_TRUE(study.by_model.empty() && study.cells.empty() && study.scaling.empty());
}

TEST(Groups, SeriesKeepApart) {
  Design design{
      .engines = {"embedded", "process"}, .models = {"a", "b"}, .modes = {Mode::warm, Mode::cold}, .times = exact_times};
  const Study study = simulate(design).study();
  ASSERT_EQ(study.by_model.size(), 8u);
  EXPECT_EQ(study.by_model[0].label, "embedded · a · warm");
  EXPECT_EQ(study.by_model[7].label, "process · b · cold");
  EXPECT_EQ(study.scaling.size(), 8u);
  ASSERT_EQ(study.by_series_max_tokens.size(), 24u);
  EXPECT_EQ(study.by_series_max_tokens[0].label, "embedded · a · warm");
  EXPECT_EQ(study.by_series_max_tokens[0].keys.at("max_tokens"), "64");
  EXPECT_EQ(study.by_series_max_tokens[0].keys.at("mode"), "warm");
  EXPECT_EQ(study.by_mode.size(), 2u);
  EXPECT_EQ(study.by_engine.size(), 2u);
}

TEST(SeriesEffects, AreMatchedWithinCells) {
  Design design{.engines = {"embedded", "process"}, .times = [](const ifm::Run& run) {
                  const Times t = exact_times(run);
                  const double factor = run.engine == "process" ? 1.25 : 1;
                  return Times{t.ttft_s * factor, t.gap_s * factor};
                }};
  Data data = simulate(design);
  for (auto& run : data.runs)  // a whole length is missing on one side: the ratio of means would be far off
    if (run.engine == "process" && run.max_tokens == 256) run.status = RunStatus::failed;
  const Study study = data.study();
  ASSERT_EQ(study.series_effects.size(), 4u);
  const SeriesEffect& latency = study.series_effects[0];
  EXPECT_EQ(latency.metric, "latency_s");
  EXPECT_EQ(latency.pairs, 36);
  EXPECT_NEAR(latency.ratio.value(), 1.25, 1e-7);
  EXPECT_NEAR(study.series_effects[1].ratio.value(), 0.8, 1e-7);
}

}  // namespace
}  // namespace ifm
