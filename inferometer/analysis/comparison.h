#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "inferometer/record/run.h"
#include "inferometer/record/session.h"
#include "inferometer/stats/verdict.h"

namespace ifm {

/// A time of a run that sides are compared by.
struct ComparedMetric {
  const char* name;       ///< "latency", "ttft", "tpot"
  const char* unit_name;  ///< "latency_s", as in tables
  std::optional<double> RunMetrics::*value;
};
/// All that can be asked for.
[[nodiscard]] const std::vector<ComparedMetric>& compared_metrics();

/// One cell of the plan and one metric.
struct ComparedCell {
  std::string prompt;
  int max_tokens = 0;
  double temperature = 0;
  std::string metric;
  int dropped = 0;                       ///< pairs without a value on both sides: runs that failed
  int runs_a = 0, runs_b = 0;            ///< of stored sessions: runs with a value
  std::optional<double> mean_a, mean_b;  ///< geometric means over processes, s
  /// Of the log ratios: sd of one turn inside a pair, and of what the processes of a pair add; null with one turn.
  std::optional<double> sd_turn, sd_between;
  std::optional<double> p_permutation;  ///< of stored sessions with few runs: of no difference, whatever the distribution
  stats::PairedEffect effect;
};

/// What the runs of a comparison are, which decides what may be said of them.
enum class ComparedDesign {
  pairs,    ///< adjacent pairs of fresh processes: METHOD 7's verdict
  sessions  ///< what is stored of two sessions, or of two engines of one, each in one process: effects only
};

/// One side: an engine and a model of a session.
struct ComparedSide {
  int64_t session = 0;
  PlanEngine engine;
  std::string model;                   ///< the name that it was loaded by
  std::optional<SessionModel> loaded;  ///< null when it never was
};
[[nodiscard]] ComparedSide compared_side(const Session& session, const PlanEngine& engine);

/// Two sides compared.
struct ComparisonReport {
  ComparedDesign design = ComparedDesign::pairs;
  std::array<ComparedSide, 2> sides;      ///< A, B
  std::string plan;                       ///< its name
  int runs_per_process = 0;               ///< of each cell; of pairs only
  double margin = 0;                      ///< log(1 + δ)
  std::vector<std::string> incomparable;  ///< why there is no verdict; empty = there is one
  stats::Verdict verdict = stats::Verdict::inconclusive;
  std::vector<ComparedCell> cells;
  /// Of each pair the mean over all cells of the first metric; null without a whole pair.
  std::optional<stats::PairedEffect> overall;
  int pairs = 0;
  int extra_pairs = 0;                              ///< of them, beyond those asked for: one for each that was flagged
  int flagged_pairs = 0;                            ///< with a flagged run
  std::optional<stats::Verdict> verdict_unflagged;  ///< without these; null when none is flagged or too few are left
  int flagged_a = 0, flagged_b = 0;                 ///< flagged runs of each side: one that draws more may throttle the machine
  std::optional<bool> same_ids;                     ///< greedy runs gave the same tokens on both sides; null without such runs
};

/// Whether a session holds pairs of fresh processes of two sides: one that `compare` made, or two engines in cold mode.
[[nodiscard]] bool holds_pairs(const Session& session);

/// The two sides are the session's plan's two engines, A first. metrics: names, at least one; the first is what `overall` shows.
/// @throws Error usage for an unknown metric or a session that does not hold pairs of two sides.
[[nodiscard]] ComparisonReport compare_sides(const Session& session, const std::vector<Run>& runs,
                                             const std::vector<std::string>& metrics);

/// The smallest effect over the margin that such pairs show 8 times of 10 in their worst cell, log: found by simulation, with
/// pairs drawn from this session's own. Null with more than 60 pairs (the cells' own estimate is good then), with fewer than a
/// verdict needs, and where the pairs do not differ. @throws Error as compare_sides().
[[nodiscard]] std::optional<double> simulated_detectable(const Session& session, const std::vector<Run>& runs,
                                                         const std::string& metric);

/// How often two equal sides would be called different, in percent: comparisons made of this session's own pairs with random
/// signs. Null when a cell has fewer pairs than a verdict needs. @throws Error as compare_sides().
[[nodiscard]] std::optional<double> false_alarm_percent(const Session& session, const std::vector<Run>& runs,
                                                        const std::string& metric);

}  // namespace ifm
