// How often the 95 % intervals that we print hold what they say they hold, over simulated sessions: the table of
// docs/coverage.md.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "inferometer/analysis/effects.h"
#include "inferometer/analysis/groups.h"
#include "inferometer/analysis/simulated_noise.h"
#include "inferometer/analysis/simulated_runs.h"
#include "inferometer/analysis/token_gaps.h"
#include "inferometer/measure/order.h"
#include "inferometer/record/plan.h"
#include "inferometer/stats/confidence.h"
#include "inferometer/stats/describe.h"
#include "inferometer/stats/sequential.h"
#include "inferometer/stats/trend.h"
#include "inferometer/stats/verdict.h"

namespace ifm {
namespace {

using simulated::NoiseKind;
using simulated::NoiseModel;

constexpr double kFixed = 0.09, kPerToken = 0.01;  // seconds of every simulated run, before noise
constexpr int kMostLooks = 5;                      // max_runs over min_runs of a sequential session
constexpr double kEffect = 0.03;                   // log ratio of the compared processes

/// How often an interval was there, and how often it held the truth.
struct Tally {
  int sessions = 0, printed = 0, covered = 0;
  void add(const std::optional<Interval>& interval, double truth) {
    ++sessions;
    printed += interval ? 1 : 0;
    covered += interval && interval->low <= truth && truth <= interval->high ? 1 : 0;
  }
};

/// Rows of the table, in the order in which they are first seen.
class Tallies {
 public:
  Tally& operator[](const std::string& name) {
    if (!tallies_.contains(name)) names_.push_back(name);
    return tallies_[name];
  }
  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }

 private:
  std::vector<std::string> names_;
  std::map<std::string, Tally> tallies_;
};

/// What is simulated: n runs of each cell, or at least n and as many as the rule asks for.
struct Setting {
  NoiseKind noise = NoiseKind::normal;
  int n = 10;
  bool sequential = false;
};

std::optional<double> latency(const Run& run) { return run.metrics.e2e_s; }

/// Runs of a design in blocks of random order; their times are those of `simulate`, their latencies the line's times noise.
struct Simulated {
  std::vector<Run> runs;
  double mean_factor = 1;
  [[nodiscard]] std::vector<const Run*> pointers() const {
    std::vector<const Run*> all;
    for (const Run& run : runs) all.push_back(&run);
    return all;
  }
  [[nodiscard]] double truth(int max_tokens) const { return (kFixed + kPerToken * max_tokens) * mean_factor; }
};

void shuffle_blocks(std::vector<Run>& runs, size_t cells, Rng& rng) {
  for (size_t block = 0; block < runs.size(); block += cells) {
    for (size_t i = cells; i > 1; --i) std::swap(runs[block + i - 1], runs[block + rng.below(i)]);
    for (size_t i = 0; i < cells; ++i) {
      Run& run = runs[block + i];
      run.order = static_cast<int>(block + i);
      run.start_ns = run.intended_start_ns = int64_t{1'000'000'000} * run.order;
    }
  }
}

/// The blocks after which a sequential session ends.
size_t blocks_of(const Setting& setting, const NoiseModel& noise, const std::vector<Run>& runs, size_t cells) {
  const auto n = static_cast<size_t>(setting.n);
  if (!setting.sequential) return n;
  const double aim = 1.96 * noise.sd() / std::sqrt(2.0 * setting.n * static_cast<double>(cells));  // met after 2 n or so
  const stats::StopRule rule{.half_width = aim, .min_runs = setting.n, .max_runs = kMostLooks * setting.n};
  std::vector<stats::TimedValue> values;
  for (const Run& run : runs) values.push_back({*run.metrics.e2e_s, run.cell, static_cast<double>(run.start_ns)});
  std::optional<stats::Look> before;
  for (const int look : stats::looks(rule)) {
    before = stats::look_at(rule, std::span(values).first(static_cast<size_t>(look) * cells), before);
    if (before->stop) return static_cast<size_t>(look);
  }
  return static_cast<size_t>(rule.max_runs);
}

Simulated simulate_session(const Setting& setting, const std::vector<Run>& pattern, size_t cells, Rng& rng) {
  Simulated session{pattern, 1};
  shuffle_blocks(session.runs, cells, rng);
  const NoiseModel noise{setting.noise, setting.n * static_cast<int>(cells)};
  const std::vector<double> factors = noise.draw(session.runs.size(), rng);
  for (size_t i = 0; i < factors.size(); ++i) {
    Run& run = session.runs[i];
    run.metrics = {};
    run.metrics.e2e_s = (kFixed + kPerToken * run.max_tokens) * factors[i];
  }
  session.runs.resize(blocks_of(setting, noise, session.runs, cells) * cells);
  session.mean_factor = noise.mean(session.runs.size());
  return session;
}

/// Runs of a design with as many blocks as any session of the setting can need.
std::vector<Run> pattern_of(const Setting& setting, const std::vector<int>& lengths, const std::vector<double>& temperatures) {
  const int blocks = setting.sequential ? kMostLooks * setting.n : setting.n;
  return simulated::simulate({.prompts = {"question"}, .max_tokens = lengths, .temperatures = temperatures, .repeats = blocks})
      .runs;
}

void one_cell(const Setting& setting, const std::vector<Run>& pattern, Rng& rng, Tallies& tallies) {
  const Simulated session = simulate_session(setting, pattern, 1, rng);
  const NoiseModel noise{setting.noise, setting.n};
  const auto runs = session.pointers();
  const MetricSummary m = summarize(runs, latency, time_of(runs, latency));
  const double base = kFixed + kPerToken * 64;
  tallies["mean of a cell"].add(m.ci95, session.truth(64));
  tallies["median of a cell"].add(m.median_ci95, base * noise.quantile(runs.size(), 0.5));
  tallies["p90 of a cell (at least 95 %)"].add(m.p90_ci95, base * noise.quantile(runs.size(), 0.9));
  std::vector<double> hours, logs;
  for (size_t i = 0; i < runs.size(); ++i) {
    hours.push_back(static_cast<double>(runs[i]->start_ns) / 3.6e12);
    logs.push_back(std::log(1 + NoiseModel::kScale * noise.rise(i)));
  }
  Study study;
  study.runs = session.runs;
  fill_drift(study);
  tallies["drift per hour"].add(study.drift_ci95, 100 * stats::theil_sen(hours, logs)->slope);
}

void two_temperatures(const Setting& setting, const std::vector<Run>& pattern, Rng& rng, Tallies& tallies) {
  Study study;
  study.runs = simulate_session(setting, pattern, 2, rng).runs;
  fill_temperature(study);
  tallies["ratio of two temperatures"].add(study.temperature.front().ratio_ci95, 1);
}

void three_lengths(const Setting& setting, const std::vector<Run>& pattern, Rng& rng, Tallies& tallies) {
  const Simulated session = simulate_session(setting, pattern, 3, rng);
  Study study;
  study.runs = session.runs;
  const auto runs = session.pointers();
  const MetricTime time = time_of(runs, latency);
  const double all = (session.truth(64) + session.truth(128) + session.truth(256)) / 3;
  tallies["mean of three cells"].add(summarize(runs, latency, time).ci95, all);
  std::vector<const Run*> longest;
  for (const Run* run : runs)
    if (run->max_tokens == 256) longest.push_back(run);
  tallies["mean of one of three cells"].add(summarize(longest, latency, time).ci95, session.truth(256));
  for (Run& run : study.runs) run.metrics.output_tok_per_s = run.max_tokens / *run.metrics.e2e_s;
  fill_scaling(study);
  const Scaling& line = study.scaling.front();
  tallies["line: fixed part"].add(line.fixed_ci95, kFixed * session.mean_factor);
  tallies["line: per token"].add(line.per_token_ci95, kPerToken * session.mean_factor);
  tallies["line: 500 tokens"].add(line.seconds_500_ci95, session.truth(500));
}

/// Pairs of processes, each with as many turns as a plan has repeats, in the order of plan_pairs(); the noise is that of runs.
void pairs_of_processes(const Setting& setting, const std::vector<std::vector<PlannedRun>>& order, Rng& rng, Tallies& tallies) {
  const size_t runs = order.size() * order.front().size();
  const NoiseModel noise{setting.noise, static_cast<int>(runs)};
  const std::vector<double> factors = noise.draw(runs, rng);
  std::vector<double> ratios;
  size_t at = 0;
  for (const std::vector<PlannedRun>& pair : order) {
    double ratio = 0;
    for (const PlannedRun& run : pair) ratio += (run.cell == 1 ? 1 : -1) * std::log(factors[at++]);
    ratios.push_back(kEffect + 2 * ratio / static_cast<double>(pair.size()));
  }
  const stats::Comparison comparison = stats::compare_pairs(std::vector<std::vector<double>>{ratios}, std::log(1.01));
  tallies["compare: median ratio of pairs"].add(comparison.effects.front().ci95, kEffect);
}

/// Gaps between tokens: each run has its own factor, and each gap 10 % to either side of it.
class Gaps {
 public:
  explicit Gaps(const Setting& setting, Rng& rng) : noise_{setting.noise, setting.n}, n_(static_cast<size_t>(setting.n)) {
    std::vector<double> pooled;
    for (int session = 0; session < 2000; ++session) {
      for (const double factor : noise_.draw(n_, rng))
        for (int gap = 0; gap < kGaps; ++gap) pooled.push_back(gap_of(factor, rng));
    }
    p50_ = *stats::quantile(pooled, 0.5);
    p90_ = *stats::quantile(pooled, 0.9);
  }

  void add_session(Rng& rng, Tallies& tallies) const {
    const std::vector<double> factors = noise_.draw(n_, rng);
    TokenGapCollector collector;
    for (size_t i = 0; i < n_; ++i) {
      Run run;
      run.start_ns = static_cast<int64_t>(i) * 1'000'000'000;
      int64_t at_ns = 0;
      for (int token = 0; token <= kGaps; ++token) {
        run.stamps.offset_ns.push_back(at_ns);
        run.stamps.tokens.push_back(1);
        at_ns += std::llround(gap_of(factors[i], rng) * 1e9);
      }
      collector.add(run);
    }
    const TokenGaps gaps = collector.finish().at(0);
    tallies["mean of pooled gaps (bootstrap over runs)"].add(gaps.mean_ci95, kPerToken * noise_.mean(n_));
    tallies["median of pooled gaps"].add(gaps.p50_ci95, p50_);
    tallies["p90 of pooled gaps"].add(gaps.p90_ci95, p90_);
  }

 private:
  static constexpr int kGaps = 20;
  static double gap_of(double factor, Rng& rng) { return kPerToken * factor * (0.9 + 0.2 * rng.uniform()); }

  NoiseModel noise_;
  size_t n_;
  double p50_ = 0, p90_ = 0;
};

const char* verdict_of(const Tally& tally, double share, double error) {
  if (tally.printed == 0) return "not printed";
  if (share >= 93 && share <= 97) return "yes";
  return share + error >= 93 && share - error <= 97 ? "within error" : share > 97 ? "more" : "**no**";
}

std::string rows_of(const Setting& setting, Tallies& tallies) {
  std::string rows;
  for (const std::string& name : tallies.names()) {
    const Tally& t = tallies[name];
    const double share = t.printed > 0 ? 100.0 * t.covered / t.printed : 0;
    const double error =
        t.printed > 0 ? 196 * std::sqrt(std::max(share, 1.0) / 100 * (1 - std::min(share, 99.0) / 100) / t.printed) : 0;
    const std::string covered = t.printed > 0 ? fmt::format("{:.1f} ± {:.1f}", share, error) : "";
    rows +=
        fmt::format("| {} | {} | {}{} | {:.1f} | {} | {} |\n", name, to_string(setting.noise), setting.sequential ? "from " : "",
                    setting.n, 100.0 * t.printed / t.sessions, covered, verdict_of(t, share, error));
  }
  return rows;
}

std::string simulate_setting(const Setting& setting, int sessions, uint64_t seed) {
  Tallies tallies;
  Rng rng(seed + 1000 * static_cast<uint64_t>(setting.noise) + static_cast<uint64_t>(setting.n) + (setting.sequential ? 500 : 0));
  const auto cell = pattern_of(setting, {64}, {0.3});
  const auto temperatures = pattern_of(setting, {64}, {0.3, 0.7});
  const auto lengths = pattern_of(setting, {64, 128, 256}, {0.3});
  const Gaps gaps(setting, rng);
  const std::vector<Cell> sides{{.index = 0, .engine = 0}, {.index = 1, .engine = 1}};
  for (int i = 0; i < sessions; ++i) {
    one_cell(setting, cell, rng, tallies);
    two_temperatures(setting, temperatures, rng, tallies);
    three_lengths(setting, lengths, rng, tallies);
    if (setting.sequential) continue;  // their numbers of runs are the plan's
    pairs_of_processes(setting, plan_pairs(sides, Plan{}.repeats, setting.n, rng()), rng, tallies);
    gaps.add_session(rng, tallies);
  }
  return rows_of(setting, tallies);
}

}  // namespace
}  // namespace ifm

int main(int argc, char** argv) {
  CLI::App app("coverage-sim: how often our 95 % intervals cover, as a Markdown table");
  int sessions = 1000;
  uint64_t seed = 1;
  app.add_option("--sessions", sessions, "simulated sessions of each setting")->check(CLI::PositiveNumber);
  app.add_option("--seed", seed, "of the noise");
  CLI11_PARSE(app, argc, argv);
  std::vector<ifm::Setting> settings;
  for (const bool sequential : {false, true})
    for (const int n : {10, 20, 50})
      for (int kind = 0; kind < 5; ++kind)
        settings.push_back({.noise = static_cast<ifm::simulated::NoiseKind>(kind), .n = n, .sequential = sequential});
  std::vector<std::string> rows(settings.size());
  std::vector<std::atomic<bool>> done(settings.size());
  std::atomic<size_t> next = 0;
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < std::max(1U, std::thread::hardware_concurrency()); ++t)
    threads.emplace_back([&] {
      for (size_t i = next++; i < settings.size(); i = next++) {
        rows[i] = ifm::simulate_setting(settings[i], sessions, seed);
        done[i] = true;
        done[i].notify_one();
      }
    });
  fmt::print("| interval | noise | runs of a cell | printed % | covers % of these | 93 to 97 |\n|---|---|---|---|---|---|\n");
  for (size_t i = 0; i < settings.size(); ++i) {
    done[i].wait(false);
    fmt::print("{}", rows[i]);
    std::fflush(stdout);
  }
  for (std::thread& thread : threads) thread.join();
}
