#include "inferometer/analysis/comparison.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <span>

#include <fmt/format.h>

#include "inferometer/analysis/comparison_parts.h"
#include "inferometer/analysis/study.h"
#include "inferometer/base/error.h"
#include "inferometer/base/rng.h"
#include "inferometer/stats/components.h"
#include "inferometer/stats/describe.h"
#include "inferometer/stats/detectable.h"
#include "inferometer/stats/paired.h"

namespace ifm {
namespace {

constexpr int kLeastPairs = 10;  // METHOD 7
constexpr int kSimulations = 1000;
constexpr std::size_t kMostSimulatedPairs = 60;
constexpr uint64_t kSimulationSeed = 1;

/// The measured runs of one cell on both sides, by pair.
struct PairedRuns {
  std::map<int, std::vector<const Run*>> a, b;
};

using PairedCells = std::map<ComparedKey, PairedRuns>;

PairedCells paired_cells(const Session& session, const std::vector<Run>& runs) {
  const std::string& a = session.plan.engines.at(0).id;
  PairedCells cells;
  for (const Run& run : runs) {
    if (run.kind != RunKind::measured) continue;
    PairedRuns& cell = cells[{run.prompt, run.max_tokens, run.temperature}];
    (run.engine == a ? cell.a : cell.b)[run.block].push_back(&run);
  }
  return cells;
}

/// Mean log of a metric over a process's runs of a cell; null where one of them has none. (A process that failed in part was not
/// the same process.)
std::optional<double> process_mean(const std::vector<const Run*>& runs, const ComparedMetric& metric) {
  double sum = 0;
  for (const Run* run : runs) {
    const std::optional<double>& value = run->metrics.*metric.value;
    if (!is_timed(*run) || !value || !(*value > 0)) return std::nullopt;
    sum += std::log(*value);
  }
  return runs.empty() ? std::nullopt : std::optional(sum / static_cast<double>(runs.size()));
}

/// The pairs of a cell that have a metric on both sides, and its logs there.
struct PairedLogs {
  std::vector<int> pairs;
  std::vector<double> a, b;  ///< beside `pairs`
  int dropped = 0;

  [[nodiscard]] std::vector<double> ratios() const {
    std::vector<double> result;
    for (std::size_t i = 0; i < pairs.size(); ++i) result.push_back(b[i] - a[i]);
    return result;
  }
};

PairedLogs logs_of(const PairedRuns& cell, const ComparedMetric& metric, const std::set<int>& without) {
  std::set<int> pairs;
  for (const auto* side : {&cell.a, &cell.b}) {
    for (const auto& [pair, runs] : *side) pairs.insert(pair);
  }
  PairedLogs logs;
  for (const int pair : pairs) {
    if (without.contains(pair)) continue;
    const auto mean_of = [&](const std::map<int, std::vector<const Run*>>& side) {
      const auto at = side.find(pair);
      return at == side.end() ? std::nullopt : process_mean(at->second, metric);
    };
    const std::optional<double> a = mean_of(cell.a);
    const std::optional<double> b = mean_of(cell.b);
    if (!a || !b) {
      ++logs.dropped;
      continue;
    }
    logs.pairs.push_back(pair);
    logs.a.push_back(*a);
    logs.b.push_back(*b);
  }
  return logs;
}

/// What one turn of a pair says and what its processes add, of the ratios turn by turn.
void set_components(ComparedCell& cell, const PairedRuns& runs, const ComparedMetric& metric) {
  std::vector<std::vector<double>> pairs;
  for (const auto& [pair, of_a] : runs.a) {
    const auto of_b = runs.b.find(pair);
    if (of_b == runs.b.end()) continue;
    pairs.emplace_back();
    for (const Run* a : of_a) {
      const auto b = std::ranges::find_if(of_b->second, [&](const Run* run) { return run->repeat == a->repeat; });
      if (b == of_b->second.end()) continue;
      const auto log_a = process_mean({a}, metric);
      const auto log_b = process_mean({*b}, metric);
      if (log_a && log_b) pairs.back().push_back(*log_b - *log_a);
    }
  }
  const stats::VarianceComponents found = stats::variance_components(pairs);
  if (!found.within || !found.between) return;
  cell.sd_turn = std::sqrt(*found.within);
  cell.sd_between = std::sqrt(*found.between);
}

/// The pairs' ratios of every cell and metric, in the report's order; cells without a pair are left out.
std::vector<std::vector<double>> fill_cells(ComparisonReport& report, const PairedCells& cells,
                                            const std::vector<std::string>& metrics) {
  std::vector<std::vector<double>> ratios;
  for (const std::string& name : metrics) {
    const ComparedMetric& metric = compared_metric(name);
    for (const auto& [key, runs] : cells) {
      const PairedLogs logs = logs_of(runs, metric, {});
      if (logs.pairs.empty()) {
        report.incomparable.push_back(fmt::format("{} of prompt {}, {} tokens, temperature {}: no pair has it on both sides",
                                                  name, key.prompt, key.max_tokens, key.temperature));
        continue;
      }
      report.cells.push_back({.prompt = key.prompt,
                              .max_tokens = key.max_tokens,
                              .temperature = key.temperature,
                              .metric = name,
                              .dropped = logs.dropped,
                              .mean_a = std::exp(*stats::mean(logs.a)),
                              .mean_b = std::exp(*stats::mean(logs.b)),
                              .effect = {}});
      set_components(report.cells.back(), runs, metric);
      ratios.push_back(logs.ratios());
    }
  }
  return ratios;
}

/// Of each pair that is whole the mean over all cells.
std::vector<double> overall_ratios(const PairedCells& cells, const ComparedMetric& metric) {
  std::map<int, std::vector<double>> by_pair;
  for (const auto& [key, runs] : cells) {
    const PairedLogs logs = logs_of(runs, metric, {});
    for (std::size_t i = 0; i < logs.pairs.size(); ++i) by_pair[logs.pairs[i]].push_back(logs.b[i] - logs.a[i]);
  }
  std::vector<double> ratios;
  for (const auto& [pair, values] : by_pair) {
    if (values.size() == cells.size()) ratios.push_back(*stats::mean(values));
  }
  return ratios;
}

void find_flags(ComparisonReport& report, const std::vector<Run>& runs, std::set<int>& flagged) {
  const std::string& a = report.sides[0].engine.id;
  for (const Run& run : runs) {
    if (run.kind != RunKind::measured || run.flags.empty()) continue;
    flagged.insert(run.block);
    ++(run.engine == a ? report.flagged_a : report.flagged_b);
  }
  report.flagged_pairs = static_cast<int>(flagged.size());
}

void compare_unflagged(ComparisonReport& report, const PairedCells& cells, const std::vector<std::string>& metrics,
                       const std::set<int>& flagged) {
  if (flagged.empty() || report.pairs - report.flagged_pairs < kLeastPairs) return;
  std::vector<std::vector<double>> ratios;
  for (const std::string& name : metrics) {
    for (const auto& [key, runs] : cells) {
      const PairedLogs logs = logs_of(runs, compared_metric(name), flagged);
      if (!logs.pairs.empty()) ratios.push_back(logs.ratios());
    }
  }
  report.verdict_unflagged = stats::compare_pairs(ratios, report.margin, kLeastPairs).verdict;
}

/// @throws Error usage.
void check_pairs(const Session& session) {
  if (holds_pairs(session)) return;
  fail(ErrorKind::usage, "session {}: does not hold pairs of two sides (expected one that `inferometer compare` made)",
       session.id);
}

RunsByCell runs_by_cell(const PairedCells& cells) {
  RunsByCell result;
  for (const auto& [key, of_cell] : cells) {
    for (const auto& [pair, runs] : of_cell.a) result[key][0].insert(result[key][0].end(), runs.begin(), runs.end());
    for (const auto& [pair, runs] : of_cell.b) result[key][1].insert(result[key][1].end(), runs.begin(), runs.end());
  }
  return result;
}

}  // namespace

bool holds_pairs(const Session& session) {
  const Plan& plan = session.plan;
  const bool cold = plan.modes == std::vector<Mode>{Mode::cold};
  return (plan.pairs > 0 || cold) && plan.engines.size() == 2 && plan.models.size() == 1;
}

ComparisonReport compare_sides(const Session& session, const std::vector<Run>& runs, const std::vector<std::string>& metrics) {
  check_pairs(session);
  const Plan& plan = session.plan;
  ComparisonReport report{.design = ComparedDesign::pairs,
                          .sides = {compared_side(session, plan.engines[0]), compared_side(session, plan.engines[1])},
                          .plan = plan.name,
                          .runs_per_process = plan.pairs > 0 ? plan.repeats : 1,
                          .margin = std::log(1 + plan.equivalence_margin)};
  const PairedCells cells = paired_cells(session, runs);
  std::set<int> pairs, flagged;
  for (const Run& run : runs) {
    if (run.kind == RunKind::measured) pairs.insert(run.block);
  }
  report.pairs = static_cast<int>(pairs.size());
  report.extra_pairs = plan.pairs > 0 ? std::max(0, report.pairs - plan.pairs) : 0;
  if (cells.empty()) report.incomparable.emplace_back("no run was measured");
  const std::vector<std::vector<double>> ratios = fill_cells(report, cells, metrics);
  const stats::Comparison comparison = stats::compare_pairs(ratios, report.margin, kLeastPairs);
  for (std::size_t i = 0; i < report.cells.size(); ++i) report.cells[i].effect = comparison.effects[i];
  report.verdict = comparison.verdict;
  const std::vector<double> overall = overall_ratios(cells, compared_metric(metrics.at(0)));
  if (!overall.empty())
    report.overall = stats::compare_pairs(std::vector<std::vector<double>>{overall}, report.margin).effects[0];
  find_flags(report, runs, flagged);
  compare_unflagged(report, cells, metrics, flagged);
  find_differences(report, runs_by_cell(cells));
  return report;
}

std::optional<double> simulated_detectable(const Session& session, const std::vector<Run>& runs, const std::string& metric) {
  check_pairs(session);
  const PairedCells cells = paired_cells(session, runs);
  const double margin = std::log(1 + session.plan.equivalence_margin);
  const auto not_above_margin = [margin](std::span<const double> ratios) {
    const auto test = stats::signed_rank_test(ratios, margin);
    return test ? test->p_greater : 1.0;
  };
  std::optional<double> worst;
  for (const auto& [key, of_cell] : cells) {
    const std::vector<double> ratios = logs_of(of_cell, compared_metric(metric), {}).ratios();
    if (ratios.size() < kLeastPairs || ratios.size() > kMostSimulatedPairs) return std::nullopt;
    // As compare_pairs() tests the worst of several cells: one side of α, Holm.
    const auto found = stats::detectable_shift(ratios, static_cast<int>(ratios.size()), not_above_margin, kSimulationSeed, 0.8,
                                               stats::kFalseVerdicts / 2 / static_cast<double>(cells.size()), kSimulations);
    if (!found) return std::nullopt;
    worst = std::max(worst.value_or(0), found->shift);
  }
  return worst;
}

std::optional<double> false_alarm_percent(const Session& session, const std::vector<Run>& runs, const std::string& metric) {
  check_pairs(session);
  const PairedCells cells = paired_cells(session, runs);
  if (cells.empty()) return std::nullopt;
  // A pair's cells share a process and so its luck: they are drawn, and their signs turned, together.
  std::vector<std::vector<double>> ratios;  // by cell, then pair
  for (const auto& [key, of_cell] : cells) ratios.push_back(logs_of(of_cell, compared_metric(metric), {}).ratios());
  const std::size_t pairs = ratios.front().size();
  if (pairs < kLeastPairs || std::ranges::any_of(ratios, [&](const auto& r) { return r.size() != pairs; })) return std::nullopt;
  const double margin = std::log(1 + session.plan.equivalence_margin);
  Rng rng(kSimulationSeed);
  int wrong = 0;
  for (int i = 0; i < kSimulations; ++i) {
    std::vector<std::vector<double>> drawn(ratios.size());
    for (std::size_t k = 0; k < pairs; ++k) {
      const std::size_t pair = rng.below(pairs);
      const double sign = rng.below(2) == 0 ? 1 : -1;
      for (std::size_t cell = 0; cell < ratios.size(); ++cell) drawn[cell].push_back(sign * ratios[cell][pair]);
    }
    const stats::Verdict verdict = stats::compare_pairs(drawn, margin, kLeastPairs).verdict;
    wrong += verdict == stats::Verdict::equivalent || verdict == stats::Verdict::inconclusive ? 0 : 1;
  }
  return 100.0 * wrong / kSimulations;
}

}  // namespace ifm
