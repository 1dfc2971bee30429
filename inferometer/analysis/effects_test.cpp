#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <numeric>
#include <stdexcept>

#include <gtest/gtest.h>

#include "inferometer/analysis/groups.h"
#include "inferometer/analysis/simulated_runs.h"

namespace ifm {
namespace {

using simulated::Data;
using simulated::Design;
using simulated::Noise;
using simulated::simulate;
using simulated::Times;

const TemperatureEffect& effect(const Study& study, const std::string& metric) {
  for (const TemperatureEffect& e : study.temperature)
    if (e.metric == metric) return e;
  throw std::out_of_range(metric);
}

double share(const Study& study, const std::string& factor) {
  for (const VarianceShare& s : study.variance)
    if (s.metric == "latency_s" && s.factor == factor) return s.share;
  return -1;
}

Design noisy(double sd, double temperature_slope, uint64_t seed = 1) {
  auto noise = std::make_shared<Noise>(seed, sd);
  return {.times = [=](const ifm::Run& run) {
    const double f = noise->factor() * (1 + temperature_slope * (run.temperature - 0.3));
    return Times{0.1 * f, 0.01 * f};
  }};
}

TEST(Scaling, RecoversThePlantedLine) {
  const Study study = simulate({.times = [](const ifm::Run&) { return Times{0.2, 0.0125}; }}).study();
  const Scaling& s = study.scaling.at(0);
  EXPECT_NEAR(s.per_token_s.value(), 0.0125, 1e-10);
  EXPECT_NEAR(s.fixed_s.value(), 0.2 - 0.0125, 1e-8);  // E2E = ttft + gap (N − 1)
  EXPECT_NEAR(s.seconds_500.value(), 0.1875 + 6.25, 1e-8);
  EXPECT_NEAR(s.limit_tok_per_s.value(), 80, 1e-6);
  EXPECT_NEAR(s.largest_deviation.value(), 0, 1e-8);
  EXPECT_EQ(s.lengths, 3);
  EXPECT_EQ(s.min_tokens, 64);
  EXPECT_EQ(s.max_tokens, 256);
}

TEST(Scaling, CurvatureIsSeenAndSized) {
  auto noise = std::make_shared<Noise>(3, 0.002);
  const Study study = simulate({.times = [=](const ifm::Run& run) {
                        return Times{0.05, 0.01 * (1 + run.max_tokens / 512.0) * noise->factor()};
                      }}).study();
  EXPECT_LT(study.scaling[0].lack_of_fit_p.value(), 1e-6);
  EXPECT_GT(study.scaling[0].largest_deviation.value(), 0.03);
  EXPECT_NE(simulated::find(study.conclusions, "scaling")->text.find("not a good description"), std::string::npos);
}

TEST(Scaling, OneLengthCannotSeparateFixedFromPerToken) {
  Design design = noisy(0.01, 0);
  design.max_tokens = {64};
  const Study study = simulate(design).study();
  EXPECT_FALSE(study.scaling[0].fixed_s || study.scaling[0].r2 || study.scaling[0].seconds_500);
  EXPECT_NE(simulated::find(study.conclusions, "scaling")->text.find("did not vary"), std::string::npos);
}

TEST(Temperature, PlantedEffectIsFoundWithItsSize) {
  const Study study = simulate(noisy(0.005, 0.25)).study();  // 0.25 * 0.4 = +10 %
  const TemperatureEffect& latency = effect(study, "latency_s");
  EXPECT_EQ(latency.verdict, Equivalence::different);
  EXPECT_EQ(latency.pairs, 27);
  EXPECT_NEAR(latency.ratio.value(), 1.10, 0.006);  // 4 standard errors of 27 pairs
  EXPECT_LT(latency.ratio_ci95->low, latency.ratio_ci90->low);
  EXPECT_NEAR(effect(study, "throughput_tok_per_s").ratio.value() * latency.ratio.value(), 1, 1e-12);
}

TEST(Temperature, NoEffectIsEquivalentOnlyWhenTheRunsCanShowIt) {
  EXPECT_EQ(effect(simulate(noisy(0.003, 0)).study(), "latency_s").verdict, Equivalence::equivalent);
  const Study noise = simulate(noisy(0.1, 0)).study();
  EXPECT_EQ(effect(noise, "latency_s").verdict, Equivalence::inconclusive);
  EXPECT_GT(effect(noise, "latency_s").detectable.value(), 0.05);
}

TEST(Temperature, EveryNumberIsRecomputedFromMatchedPairs) {
  const Data data = simulate(noisy(0.02, 0.01));
  const TemperatureEffect e = effect(data.study(), "latency_s");
  std::vector<double> logs;
  for (const auto& low : data.runs)
    for (const auto& high : data.runs)
      if (low.temperature == 0.3 && high.temperature == 0.7 && low.prompt == high.prompt && low.max_tokens == high.max_tokens &&
          low.repeat == high.repeat)
        logs.push_back(std::log(*high.metrics.e2e_s / *low.metrics.e2e_s));
  ASSERT_EQ(logs.size(), 27u);
  const double mean = std::accumulate(logs.begin(), logs.end(), 0.0) / 27;
  double ss = 0;
  for (const double x : logs) ss += (x - mean) * (x - mean);
  const double se = std::sqrt(ss / 26 / 27);
  EXPECT_NEAR(e.ratio.value(), std::exp(mean), 1e-12);
  EXPECT_NEAR(e.ratio_ci95->high, std::exp(mean + 2.0555294386428713 * se), 1e-10);  // scipy 1.17.1: t.ppf(0.975, 26)
  EXPECT_NEAR(e.ratio_ci90->low, std::exp(mean - 1.7056179197592727 * se), 1e-10);   // t.ppf(0.95, 26)
}

TEST(Temperature, LengthsThatDifferLeaveLatencyUncompared) {
  Data data = simulate(noisy(0.003, 0));
  for (auto& run : data.runs) {
    if (run.temperature < 0.5) continue;
    run.stamps.offset_ns.pop_back();
    run.stamps.tokens.pop_back();
    run.output_tokens = run.max_tokens - 1;
    run.metrics = metrics_of(run);
  }
  const Study study = data.study();
  EXPECT_EQ(effect(study, "latency_s").verdict, Equivalence::not_applicable);
  EXPECT_FALSE(effect(study, "latency_s").ratio);
  EXPECT_NE(effect(study, "decode_tok_per_s").verdict, Equivalence::not_applicable);
  EXPECT_NE(simulated::find(study.warnings, "lengths"), nullptr);
}

TEST(Temperature, OneTemperatureHasNoEffect) {
  Design design = noisy(0.01, 0);
  design.temperatures = {0.7};
  const Study study = simulate(design).study();
  EXPECT_TRUE(study.temperature.empty());
  EXPECT_EQ(simulated::find(study.conclusions, "temperature"), nullptr);
}

TEST(Variance, SharesSumToOneAndNameTheLength) {
  const Study study = simulate(noisy(0.01, 0)).study();
  double total = 0;
  for (const VarianceShare& s : study.variance)
    if (s.metric == "latency_s") total += s.share;
  EXPECT_NEAR(total, 1, 1e-12);
  EXPECT_GT(share(study, "max_tokens"), 0.98);
  EXPECT_LT(share(study, "residual"), 0.01);
  EXPECT_EQ(study.variance.front().factor, "max_tokens");
}

TEST(Variance, SharesOfAnExactDesignMatchTheSumsOfSquares) {
  // log E2E = effect of length + effect of repeat, exactly: each cell's latency is the same product.
  const std::map<int, double> length{{64, 0.0}, {128, 0.5}, {256, 1.1}};
  const Data data = simulate({.times = [&](const ifm::Run& run) {
    const double e2e = std::exp(length.at(run.max_tokens) + 0.01 * run.repeat);
    return Times{e2e / 2, e2e / 2 / (run.max_tokens - 1)};
  }});
  const double mean = 1.6 / 3;
  double ss = 0;
  for (const auto& [n, x] : length) ss += (x - mean) * (x - mean) * 18;
  const double block = 2 * 0.01 * 0.01 * 18;
  const Study study = data.study();
  EXPECT_NEAR(share(study, "max_tokens"), ss / (ss + block), 1e-7);
  EXPECT_NEAR(share(study, "block"), block / (ss + block), 1e-7);
  EXPECT_NEAR(share(study, "residual"), 0, 1e-7);
}

TEST(Variance, EachFactorKeepsItsOwnShareBesideALengthThatDominates) {
  // log E2E as a sum of orthogonal contrasts over the 54 runs, so that every sum of squares is known.
  const auto contrast = [](int level) { return static_cast<double>(level - 1); };  // -1, 0, 1
  const Data data = simulate({.times = [&](const ifm::Run& run) {
    const double length = contrast(run.max_tokens == 64 ? 0 : run.max_tokens == 128 ? 1 : 2);
    const double prompt = contrast(run.prompt == "question" ? 0 : run.prompt == "explanation" ? 1 : 2);
    const double temperature = run.temperature > 0.5 ? 1 : -1;
    const double block = contrast(run.repeat);
    const double e2e = std::exp(0.6 * length + 0.05 * prompt + 0.03 * temperature + 0.02 * block + 0.04 * length * temperature +
                                0.07 * prompt * block);
    return Times{e2e / 2, e2e / 2 / (run.max_tokens - 1)};
  }});
  std::map<std::string, double> ss{{"max_tokens", 36 * 0.6 * 0.6},     {"prompt", 36 * 0.05 * 0.05},
                                   {"temperature", 54 * 0.03 * 0.03},  {"block", 36 * 0.02 * 0.02},
                                   {"interactions", 36 * 0.04 * 0.04},  // length with temperature
                                   {"residual", 24 * 0.07 * 0.07}};     // repeats of a cell that differ by block
  double total = 0;
  for (const auto& [factor, x] : ss) total += x;
  const Study study = data.study();
  for (const auto& [factor, x] : ss) EXPECT_NEAR(share(study, factor), x / total, 1e-6) << factor;
  const std::map<std::string, int> df{{"max_tokens", 2}, {"prompt", 2},        {"temperature", 1},
                                      {"block", 2},      {"interactions", 12}, {"residual", 34}};
  for (const VarianceShare& s : study.variance) {
    if (s.metric == "latency_s") {
      EXPECT_EQ(s.degrees_of_freedom, df.at(s.factor)) << s.factor;
    }
  }
  // The coefficient of variation within cells knows the blocks and the repeats, and nothing of lengths, prompts, temperatures.
  const double within = std::sqrt((ss["block"] + ss["residual"]) / 36);
  EXPECT_NEAR(study.overall.latency_s.cv_within.value(), std::sqrt(std::expm1(within * within)), 1e-7);
  EXPECT_LT(study.overall.latency_s.cv_within_ci95->low, *study.overall.latency_s.cv_within);
  EXPECT_GT(study.overall.latency_s.cv_within_ci95->high, *study.overall.latency_s.cv_within);
}

TEST(Variance, OfOneCellIsRepeatsAndNotTime) {
  Design design = noisy(0.02, 0);
  design.prompts = {"question"};
  design.max_tokens = {64};
  design.temperatures = {0.7};
  design.repeats = 6;
  const Study study = simulate(design).study();
  EXPECT_EQ(share(study, "block"), -1);  // every block has one run: it is the repeat
  EXPECT_NEAR(share(study, "residual"), 1, 1e-12);
}

TEST(Drift, PlantedDriftIsFoundAndLengthsAreNotDrift) {
  const auto drifting = [](double per_hour) {
    Noise noise(8, 0.0005);
    return simulate({.times =
                         [per_hour, &noise](const ifm::Run& run) {
                           const double f = noise.factor() * std::exp(per_hour * run.order / 3600.0);  // a run starts each second
                           return Times{0.1 * f, 0.01 * f};
                         }})
        .study();
  };
  // 0.0005 over √54 runs of 15.6 s sd: a standard error of 1.6 % per hour.
  EXPECT_NEAR(drifting(2.0).drift_percent_per_hour.value(), 200, 7);
  EXPECT_NEAR(drifting(0.0).drift_percent_per_hour.value(), 0, 7);
  EXPECT_NE(simulated::find(drifting(2.0).warnings, "drift"), nullptr);
  EXPECT_EQ(simulated::find(drifting(0.0).warnings, "drift"), nullptr);
}

TEST(Outliers, AreNamedAndStayInEveryNumber) {
  Data data = simulate(noisy(0.01, 0));
  EXPECT_LE(data.study().outliers.value(), 1);
  ifm::Run& slow = data.runs[20];
  simulated::play(slow, {.ttft_s = 0.2, .gap_s = 0.02});
  const Study study = data.study();
  EXPECT_NE(std::find(study.outlier_runs.begin(), study.outlier_runs.end(), slow.id), study.outlier_runs.end());
  EXPECT_EQ(study.overall.latency_s.n, 54);
  EXPECT_EQ(study.overall.latency_s.max, slow.metrics.e2e_s) << "marked, not removed";
  const Conclusion* told = simulated::find(study.warnings, "outliers");
  ASSERT_NE(told, nullptr);
  EXPECT_NE(told->text.find(std::to_string(slow.id)), std::string::npos);
  EXPECT_EQ(simulate({}).study().outliers, 0) << "equal times differ by nothing but rounding";
}

TEST(EffectiveRuns, AreFewerWhereNeighboursAreAlike) {
  EXPECT_GT(simulate(noisy(0.01, 0)).study().effective_runs.value(), 30);
  double last = 0;
  Noise noise(4, 0.02);
  Design alike;
  alike.times = [&](const ifm::Run&) {
    last = 0.9 * last + std::log(noise.factor());
    return Times{0.1 * std::exp(last), 0.01 * std::exp(last)};
  };
  EXPECT_LT(simulate(alike).study().effective_runs.value(), 25);
}

TEST(Determinism, CountsCellsWhoseGreedyIdsDiffer) {
  Design design = noisy(0.01, 0);
  design.temperatures = {0.0};
  Data data = simulate(design);
  for (auto& run : data.runs) run.ids_hash = run.prompt;
  EXPECT_EQ(data.study().determinism.at(0).cells, 9);
  EXPECT_EQ(data.study().determinism.at(0).cells_differing, 0);
  data.runs[0].ids_hash = "other";
  const Study study = data.study();
  EXPECT_EQ(study.determinism.at(0).cells_differing, 1);
  EXPECT_NE(simulated::find(study.conclusions, "overall_determinism")->text.find("not deterministic"), std::string::npos);
}

TEST(Coverage, MeanIntervalCovers93To97PercentOf1000Sessions) {
  // 18 cells of 3 runs, relative noise 3 %: the truth is the mean of the cells' expected latencies.
  Design design{.prompts = {"a", "b"}};
  int covered = 0;
  Noise noise(9, 0.03);
  const double mean_factor = std::exp(0.03 * 0.03 / 2);
  design.times = [&](const ifm::Run&) {
    const double f = noise.factor();
    return Times{0.1 * f, 0.01 * f};
  };
  double truth = 0;
  for (const int n : design.max_tokens) truth += (0.1 + 0.01 * (n - 1)) * mean_factor / 3;
  Data data = simulate(design);
  for (int session = 0; session < 1000; ++session) {
    for (auto& run : data.runs) {
      const double f = noise.factor();
      run.metrics = {};
      run.metrics.e2e_s = (0.1 + 0.01 * (run.max_tokens - 1)) * f;
      run.metrics.output_tok_per_s = run.max_tokens / *run.metrics.e2e_s;
    }
    std::vector<const ifm::Run*> runs;
    for (const auto& run : data.runs) runs.push_back(&run);
    const auto latency = [](const ifm::Run& run) { return run.metrics.e2e_s; };
    const MetricSummary m = summarize(runs, latency, time_of(runs, latency));
    covered += m.ci95->low <= truth && truth <= m.ci95->high;
  }
  EXPECT_GE(covered, 930);
  EXPECT_LE(covered, 970);
}

}  // namespace
}  // namespace ifm
