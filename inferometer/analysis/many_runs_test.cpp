#include "inferometer/analysis/many_runs.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "inferometer/analysis/simulated_noise.h"
#include "inferometer/analysis/simulated_runs.h"

/// Bytes that `new` has given out and not had back, and the most at once, in this program.
namespace {

constexpr std::size_t kHead = alignof(std::max_align_t);
std::size_t live_bytes = 0;
std::size_t peak_bytes = 0;
std::size_t all_bytes = 0;

}  // namespace

void* operator new(std::size_t size) {
  auto* memory = static_cast<char*>(std::malloc(size + kHead));
  if (memory == nullptr) throw std::bad_alloc();
  *reinterpret_cast<std::size_t*>(memory) = size;
  all_bytes += size;
  live_bytes += size;
  peak_bytes = std::max(peak_bytes, live_bytes);
  return memory + kHead;
}

void operator delete(void* memory) noexcept {
  if (memory == nullptr) return;
  char* begin = static_cast<char*>(memory) - kHead;
  live_bytes -= *reinterpret_cast<std::size_t*>(begin);
  std::free(begin);
}
void operator delete(void* memory, std::size_t /*size*/) noexcept { operator delete(memory); }

namespace ifm {
namespace {

using simulated::Data;
using simulated::Design;
using simulated::Noise;
using simulated::simulate;
using simulated::Times;

/// Two engines, greedy runs among them, that differ in speed and drift a little; some runs fail, are flagged, or are invalid.
Data lively(int repeats) {
  auto noise = std::make_shared<Noise>(1, 0.02);
  Design design{
      .engines = {"embedded", "other"}, .temperatures = {0, 0.3, 0.7}, .repeats = repeats, .times = [=](const ifm::Run& run) {
        const double f = noise->factor() * (run.engine == "other" ? 1.2 : 1) * (1 + 1e-4 * run.block);
        return Times{0.1 * f, 0.01 * f * (1 + 0.02 * run.temperature)};
      }};
  Data data = simulate(design);
  for (auto& run : data.runs) {
    run.ids_hash = run.prompt;
    if (run.order % 97 == 5) {
      run.status = RunStatus::failed;
      run.error_kind = run.order % 2 == 0 ? "timeout" : "";
      run.metrics = {};
    }
    if (run.order % 31 == 3) run.flags = {"steal"};
    if (run.order % 61 == 7) run.flags = {"suspended", "canary"};
    if (run.order % 41 == 1) run.metrics.load_s = 0.5 + 1e-4 * run.order;
    if (run.order == 40) run.ids_hash = "other";
  }
  return data;
}

/// What many runs make of the same data.
Study study_of_table(const Data& data) {
  RunTable early, late;
  for (const auto& run : data.runs) (run.order < 100 ? early : late).add(run);
  early.append(std::move(late));
  Study study;
  study.session = data.session;
  study.runs = data.runs;
  fill_study_of_many(study, early);
  return study;
}

void expect_number(const std::optional<double>& actual, const std::optional<double>& expected, const std::string& what) {
  ASSERT_EQ(actual.has_value(), expected.has_value()) << what;
  // Sums in another order: some hundred rounding errors of 1e-16, enlarged where nearly equal numbers are subtracted.
  if (!actual) return;
  EXPECT_NEAR(*actual, *expected, 1e-9 * std::max(1.0, std::abs(*expected))) << what;
}

void expect_interval(const std::optional<Interval>& actual, const std::optional<Interval>& expected, const std::string& what) {
  ASSERT_EQ(actual.has_value(), expected.has_value()) << what;
  if (!actual) return;
  expect_number(actual->low, expected->low, what);
  expect_number(actual->high, expected->high, what);
}

void expect_summary(const MetricSummary& actual, const MetricSummary& expected, const std::string& what) {
  EXPECT_EQ(actual.n, expected.n) << what;
  expect_number(actual.mean, expected.mean, what + " mean");
  expect_number(actual.sd, expected.sd, what + " sd");
  expect_number(actual.sd_within, expected.sd_within, what + " sd_within");
  expect_number(actual.cv_within, expected.cv_within, what + " cv_within");
  // Order statistics are the values themselves.
  EXPECT_EQ(actual.min, expected.min) << what;
  EXPECT_EQ(actual.median, expected.median) << what;
  EXPECT_EQ(actual.max, expected.max) << what;
  EXPECT_EQ(actual.p90, expected.p90) << what;
  expect_interval(actual.ci95, expected.ci95, what + " ci95");
  expect_interval(actual.median_ci95, expected.median_ci95, what + " median_ci95");
  expect_interval(actual.p90_ci95, expected.p90_ci95, what + " p90_ci95");
  EXPECT_EQ(actual.ci95_reason, expected.ci95_reason) << what;
  EXPECT_EQ(actual.median_ci95_reason, expected.median_ci95_reason) << what;
  EXPECT_EQ(actual.p90_ci95_reason, expected.p90_ci95_reason) << what;
}

void expect_groups(const std::vector<Group>& actual, const std::vector<Group>& expected) {
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i) {
    EXPECT_EQ(actual[i].label, expected[i].label);
    EXPECT_EQ(actual[i].keys, expected[i].keys);
    EXPECT_EQ(actual[i].runs_ok, expected[i].runs_ok) << actual[i].label;
    EXPECT_EQ(actual[i].runs_failed, expected[i].runs_failed) << actual[i].label;
    EXPECT_EQ(actual[i].runs_flagged, expected[i].runs_flagged) << actual[i].label;
    expect_number(actual[i].total_tok_per_s, expected[i].total_tok_per_s, actual[i].label);
    for (const GroupMetric& metric : kGroupMetrics)
      expect_summary(actual[i].*metric.summary, expected[i].*metric.summary, actual[i].label);
  }
}

class ManyRuns : public testing::Test {
 protected:
  const Data data_ = lively(8);  // 432 runs: below kManyRuns, so that analyze() takes the other way
  const Study expected_ = data_.study();
  const Study study_ = study_of_table(data_);
};

TEST_F(ManyRuns, GroupsAreThoseOfTheRunsThemselves) {
  ASSERT_FALSE(expected_.runs_are_sample);
  expect_groups({study_.overall}, {expected_.overall});
  expect_summary(study_.unflagged_latency_s.value(), expected_.unflagged_latency_s.value(), "unflagged");
  expect_groups(study_.by_model, expected_.by_model);
  expect_groups(study_.by_max_tokens, expected_.by_max_tokens);
  expect_groups(study_.by_temperature, expected_.by_temperature);
  expect_groups(study_.by_prompt, expected_.by_prompt);
  expect_groups(study_.by_engine, expected_.by_engine);
  expect_groups(study_.by_mode, expected_.by_mode);
  expect_groups(study_.by_series_max_tokens, expected_.by_series_max_tokens);
  expect_groups(study_.by_series_temperature, expected_.by_series_temperature);
  expect_groups(study_.cells, expected_.cells);
}

TEST_F(ManyRuns, FlagsAndDeterminismAreCountedTheSame) {
  ASSERT_EQ(study_.flags.size(), expected_.flags.size());
  for (size_t i = 0; i < study_.flags.size(); ++i) {
    EXPECT_EQ(study_.flags[i].flag, expected_.flags[i].flag);
    EXPECT_EQ(study_.flags[i].runs, expected_.flags[i].runs);
  }
  ASSERT_EQ(study_.determinism.size(), expected_.determinism.size());
  for (size_t i = 0; i < study_.determinism.size(); ++i) {
    EXPECT_EQ(study_.determinism[i].series, expected_.determinism[i].series);
    EXPECT_EQ(study_.determinism[i].runs, expected_.determinism[i].runs);
    EXPECT_EQ(study_.determinism[i].cells, expected_.determinism[i].cells);
    EXPECT_EQ(study_.determinism[i].cells_differing, expected_.determinism[i].cells_differing);
  }
}

TEST_F(ManyRuns, LinesAreTheSame) {
  ASSERT_EQ(study_.scaling.size(), expected_.scaling.size());
  for (size_t i = 0; i < study_.scaling.size(); ++i) {
    const Scaling& s = study_.scaling[i];
    const Scaling& e = expected_.scaling[i];
    EXPECT_EQ(s.n, e.n);
    EXPECT_EQ(s.lengths, e.lengths);
    EXPECT_EQ(s.min_tokens, e.min_tokens);
    EXPECT_EQ(s.max_tokens, e.max_tokens);
    expect_number(s.fixed_s, e.fixed_s, "fixed");
    expect_number(s.per_token_s, e.per_token_s, "per token");
    expect_number(s.r2, e.r2, "r2");
    expect_number(s.lack_of_fit_p, e.lack_of_fit_p, "lack of fit");
    expect_number(s.largest_deviation, e.largest_deviation, "largest deviation");
    expect_interval(s.fixed_ci95, e.fixed_ci95, "fixed");
    expect_interval(s.seconds_500_ci95, e.seconds_500_ci95, "500 tokens");
    expect_interval(s.limit_ci95, e.limit_ci95, "limit");
    expect_interval(s.longest_ci95, e.longest_ci95, "longest");
    EXPECT_EQ(s.no_interval, e.no_interval);
  }
}

/// Of every kind of noise, with its reasons against intervals.
TEST(ManyRunsInTime, IntervalsAreThoseOfFewWhateverTimeDoes) {
  using simulated::NoiseKind;
  const std::map<NoiseKind, NoInterval> reasons{{NoiseKind::normal, NoInterval::none},
                                                {NoiseKind::drift, NoInterval::drift},
                                                {NoiseKind::autoregressive, NoInterval::dependent}};
  for (const auto& [kind, reason] : reasons) {
    Data data = lively(8);
    Rng rng(6);
    const std::vector<double> factors = simulated::NoiseModel{kind, 432}.draw(data.runs.size(), rng);
    for (size_t i = 0; i < data.runs.size(); ++i)
      if (data.runs[i].metrics.e2e_s) *data.runs[i].metrics.e2e_s *= factors[i];
    const Study expected = data.study();
    const Study study = study_of_table(data);
    expect_groups({study.overall}, {expected.overall});
    expect_groups(study.by_max_tokens, expected.by_max_tokens);
    expect_groups(study.cells, expected.cells);
    for (size_t i = 0; i < study.scaling.size(); ++i) {
      EXPECT_EQ(study.scaling[i].no_interval, expected.scaling[i].no_interval);
      expect_interval(study.scaling[i].fixed_ci95, expected.scaling[i].fixed_ci95, to_string(kind));
    }
    EXPECT_EQ(study.overall.latency_s.p90_ci95_reason, reason) << to_string(kind);
  }
}

TEST_F(ManyRuns, MatchedEffectsAreTheSame) {
  ASSERT_EQ(study_.temperature.size(), expected_.temperature.size());
  for (size_t i = 0; i < study_.temperature.size(); ++i) {
    const TemperatureEffect& s = study_.temperature[i];
    const TemperatureEffect& e = expected_.temperature[i];
    const std::string what = s.series + " " + s.metric + " " + std::to_string(s.high);
    EXPECT_EQ(s.series + s.metric, e.series + e.metric);
    EXPECT_EQ(s.low, e.low);
    EXPECT_EQ(s.high, e.high);
    EXPECT_EQ(s.pairs, e.pairs) << what;
    EXPECT_EQ(s.verdict, e.verdict) << what;
    expect_number(s.ratio, e.ratio, what);
    expect_number(s.p_value, e.p_value, what);
    expect_number(s.detectable, e.detectable, what);
    expect_interval(s.ratio_ci90, e.ratio_ci90, what);
    expect_interval(s.ratio_ci95, e.ratio_ci95, what);
  }
  ASSERT_EQ(study_.series_effects.size(), expected_.series_effects.size());
  for (size_t i = 0; i < study_.series_effects.size(); ++i) {
    const SeriesEffect& s = study_.series_effects[i];
    const SeriesEffect& e = expected_.series_effects[i];
    EXPECT_EQ(s.series + s.reference + s.metric, e.series + e.reference + e.metric);
    EXPECT_EQ(s.pairs, e.pairs);
    expect_number(s.ratio, e.ratio, s.metric);
    expect_interval(s.ratio_ci95, e.ratio_ci95, s.metric);
  }
}

TEST_F(ManyRuns, VarianceAndDriftAreTheSameWhereBlocksAndCellsAreFew) {
  ASSERT_EQ(study_.variance.size(), expected_.variance.size());
  for (size_t i = 0; i < study_.variance.size(); ++i) {
    EXPECT_EQ(study_.variance[i].metric + study_.variance[i].factor, expected_.variance[i].metric + expected_.variance[i].factor);
    EXPECT_EQ(study_.variance[i].degrees_of_freedom, expected_.variance[i].degrees_of_freedom);
    expect_number(study_.variance[i].share, expected_.variance[i].share, study_.variance[i].factor);
    expect_number(study_.variance[i].p_value, expected_.variance[i].p_value, study_.variance[i].factor);
  }
  expect_number(study_.drift_percent_per_hour, expected_.drift_percent_per_hour, "drift");
  expect_interval(study_.drift_ci95, expected_.drift_ci95, "drift");
  expect_number(study_.session_hours, expected_.session_hours, "hours");
  expect_number(study_.lag1_autocorrelation, expected_.lag1_autocorrelation, "lag 1");
}

TEST(ManyRunsSampled, AStudyOfManyKeepsEvenlySpacedRunsAndSaysSo) {
  const Data data = lively(60);  // 3,240 runs
  const Study study = data.study();
  EXPECT_TRUE(study.runs_are_sample);
  EXPECT_EQ(study.runs_ok + study.runs_failed, 3240);
  EXPECT_EQ(study.overall.runs_ok, study.runs_ok);
  ASSERT_EQ(study.runs.size(), 1620u);
  for (size_t i = 0; i < study.runs.size(); ++i) EXPECT_EQ(study.runs[i].order, static_cast<int>(2 * i));
  EXPECT_EQ(study.failures.size(), 2u);
  // The drift of 0.01 % a block of 54 runs, one a second: 0.67 % an hour.
  EXPECT_NEAR(study.drift_percent_per_hour.value(), 100 * 1e-4 / 54 * 3600, 0.2);
}

/// What making a study of so many runs takes, beside the runs that are handed over.
struct Memory {
  double peak = 0, all = 0;
};

Memory memory_of(int repeats) {
  const Data data = lively(repeats);
  const std::size_t before = live_bytes;
  const std::size_t all_before = all_bytes;
  peak_bytes = live_bytes;
  StudyBuilder builder(data.session);
  ifm::Run copy;
  for (const auto& run : data.runs) {
    copy = run;
    copy.stamps = {};
    builder.add(copy);
  }
  const Study study = builder.finish();
  EXPECT_TRUE(study.runs_are_sample);
  const auto runs = static_cast<double>(data.runs.size());
  return {static_cast<double>(peak_bytes - before) / runs, static_cast<double>(all_bytes - all_before) / runs};
}

TEST(ManyRunsCost, GrowsNoFasterThanTheNumberOfRuns) {
  const Memory few = memory_of(100);   // 5,400 runs
  const Memory many = memory_of(400);  // four times as many
  EXPECT_LT(many.peak, few.peak);
  // Bytes that were ever allocated stand for the work: a quadratic step would take four times as many a run.
  EXPECT_LT(many.all, 1.1 * few.all);
  // A million runs are to stay under 1 GiB. The sample alone, up to 4,000 runs of 1.2 KB, is 230 bytes a run here,
  // and what time does to a metric takes 40 for as long as it is computed.
  EXPECT_LT(many.peak, 750);
}

}  // namespace
}  // namespace ifm
