#include "inferometer/analysis/comparison.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "inferometer/analysis/study.h"
#include "inferometer/base/error.h"
#include "inferometer/base/rng.h"
#include "inferometer/stats/describe.h"

namespace ifm {
namespace {

constexpr int kLeastPairs = 10;  // METHOD 7
constexpr int kSimulations = 1000;
constexpr uint64_t kSimulationSeed = 1;

/// What is measured of both sides: a cell of the plan without its engine.
struct CellKey {
  std::string prompt;
  int max_tokens = 0;
  double temperature = 0;
  [[nodiscard]] auto operator<=>(const CellKey&) const = default;
};

/// The measured runs of one cell on both sides, by pair.
struct PairedRuns {
  std::map<int, std::vector<const Run*>> a, b;
};

using PairedCells = std::map<CellKey, PairedRuns>;

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

const ComparedMetric& metric_named(const std::string& name) {
  std::vector<std::string> names;
  for (const ComparedMetric& metric : compared_metrics()) {
    if (metric.name == name) return metric;
    names.emplace_back(metric.name);
  }
  fail(ErrorKind::usage, "--metric: {} is unknown (expected {})", name, fmt::join(names, ", "));
}

/// The pairs' ratios of every cell and metric, in the report's order; cells without a pair are left out.
std::vector<std::vector<double>> fill_cells(ComparisonReport& report, const PairedCells& cells,
                                            const std::vector<std::string>& metrics) {
  std::vector<std::vector<double>> ratios;
  for (const std::string& name : metrics) {
    const ComparedMetric& metric = metric_named(name);
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
  const std::string& a = report.session.plan.engines.at(0).id;
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
      const PairedLogs logs = logs_of(runs, metric_named(name), flagged);
      if (!logs.pairs.empty()) ratios.push_back(logs.ratios());
    }
  }
  report.verdict_unflagged = stats::compare_pairs(ratios, report.margin, kLeastPairs).verdict;
}

/// What makes two sides other things than the same work: other weights under one name, other lengths.
void check_comparable(ComparisonReport& report, const PairedCells& cells) {
  const std::vector<SessionModel>& models = report.session.models;
  const std::string& name = report.session.plan.models.front();
  std::vector<const SessionModel*> same_name;
  for (std::size_t i = 0; i < 2; ++i) {
    const PlanEngine& engine = report.session.plan.engines[i];
    const auto at = std::ranges::find_if(models, [&](const SessionModel& m) { return m.engine == engine.id; });
    if (at != models.end() && engine.model.empty()) same_name.push_back(&*at);
  }
  if (same_name.size() == 2 && !same_name[0]->hash.empty() && !same_name[1]->hash.empty() &&
      same_name[0]->hash != same_name[1]->hash) {
    report.incomparable.push_back(fmt::format("{}: the two sides loaded different weights ({} and {})", name,
                                              same_name[0]->hash.substr(0, 19), same_name[1]->hash.substr(0, 19)));
  }
  for (const auto& [key, runs] : cells) {
    std::array<std::set<int>, 2> lengths;
    for (std::size_t side = 0; side < 2; ++side) {
      for (const auto& [pair, of_pair] : side == 0 ? runs.a : runs.b) {
        for (const Run* run : of_pair) {
          if (run->status == RunStatus::ok && run->output_tokens) lengths[side].insert(*run->output_tokens);
        }
      }
    }
    if (!lengths[0].empty() && !lengths[1].empty() && lengths[0] != lengths[1]) {
      report.incomparable.push_back(fmt::format("prompt {}, {} tokens: the sides gave different numbers of tokens ({} and {})",
                                                key.prompt, key.max_tokens, fmt::join(lengths[0], ", "),
                                                fmt::join(lengths[1], ", ")));
    }
  }
}

std::optional<bool> same_greedy_ids(const PairedCells& cells) {
  std::optional<bool> same;
  for (const auto& [key, runs] : cells) {
    if (key.temperature != 0) continue;
    std::set<std::string> hashes;
    for (const auto* side : {&runs.a, &runs.b}) {
      for (const auto& [pair, of_pair] : *side) {
        for (const Run* run : of_pair) {
          if (run->status == RunStatus::ok && !run->ids_hash.empty()) hashes.insert(run->ids_hash);
        }
      }
    }
    if (!hashes.empty()) same = same.value_or(true) && hashes.size() == 1;
  }
  return same;
}

}  // namespace

const std::vector<ComparedMetric>& compared_metrics() {
  static const std::vector<ComparedMetric> kMetrics{{"latency", "latency_s", &RunMetrics::e2e_s},
                                                    {"ttft", "ttft_s", &RunMetrics::ttft_s},
                                                    {"tpot", "tpot_s", &RunMetrics::tpot_s}};
  return kMetrics;
}

ComparisonReport compare_sides(const Session& session, const std::vector<Run>& runs, const std::vector<std::string>& metrics) {
  if (session.plan.pairs < 1 || session.plan.engines.size() != 2 || session.plan.models.size() != 1) {
    fail(ErrorKind::usage, "session {}: does not hold pairs of two sides (expected one that `inferometer compare` made)",
         session.id);
  }
  ComparisonReport report{.session = session, .margin = std::log(1 + session.plan.equivalence_margin)};
  const PairedCells cells = paired_cells(session, runs);
  std::set<int> pairs, flagged;
  for (const Run& run : runs) {
    if (run.kind == RunKind::measured) pairs.insert(run.block);
  }
  report.pairs = static_cast<int>(pairs.size());
  if (cells.empty()) report.incomparable.emplace_back("no run was measured");
  const std::vector<std::vector<double>> ratios = fill_cells(report, cells, metrics);
  const stats::Comparison comparison = stats::compare_pairs(ratios, report.margin, kLeastPairs);
  for (std::size_t i = 0; i < report.cells.size(); ++i) report.cells[i].effect = comparison.effects[i];
  report.verdict = comparison.verdict;
  const std::vector<double> overall = overall_ratios(cells, metric_named(metrics.at(0)));
  if (!overall.empty())
    report.overall = stats::compare_pairs(std::vector<std::vector<double>>{overall}, report.margin).effects[0];
  find_flags(report, runs, flagged);
  compare_unflagged(report, cells, metrics, flagged);
  check_comparable(report, cells);
  report.same_ids = same_greedy_ids(cells);
  return report;
}

std::optional<double> false_alarm_percent(const ComparisonReport& report, const std::vector<Run>& runs) {
  if (report.cells.empty()) return std::nullopt;
  const ComparedMetric& metric = metric_named(report.cells.front().metric);
  const PairedCells cells = paired_cells(report.session, runs);
  // A pair's cells share a process and so its luck: they are drawn, and their signs turned, together.
  std::vector<std::vector<double>> ratios;  // by cell, then pair
  for (const auto& [key, of_cell] : cells) ratios.push_back(logs_of(of_cell, metric, {}).ratios());
  const std::size_t pairs = ratios.front().size();
  if (pairs < kLeastPairs || std::ranges::any_of(ratios, [&](const auto& r) { return r.size() != pairs; })) return std::nullopt;
  Rng rng(kSimulationSeed);
  int wrong = 0;
  for (int i = 0; i < kSimulations; ++i) {
    std::vector<std::vector<double>> drawn(ratios.size());
    for (std::size_t k = 0; k < pairs; ++k) {
      const std::size_t pair = rng.below(pairs);
      const double sign = rng.below(2) == 0 ? 1 : -1;
      for (std::size_t cell = 0; cell < ratios.size(); ++cell) drawn[cell].push_back(sign * ratios[cell][pair]);
    }
    const stats::Verdict verdict = stats::compare_pairs(drawn, report.margin, kLeastPairs).verdict;
    wrong += verdict == stats::Verdict::equivalent || verdict == stats::Verdict::inconclusive ? 0 : 1;
  }
  return 100.0 * wrong / kSimulations;
}

}  // namespace ifm
