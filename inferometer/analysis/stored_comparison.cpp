#include "inferometer/analysis/stored_comparison.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "inferometer/analysis/comparison_parts.h"
#include "inferometer/analysis/study.h"
#include "inferometer/base/error.h"
#include "inferometer/stats/describe.h"
#include "inferometer/stats/permutation.h"
#include "inferometer/stats/welch.h"

namespace ifm {
namespace {

constexpr std::size_t kMostPermuted = 200;  ///< runs; with more the interval of means needs no help
constexpr uint64_t kSeed = 1;

const PlanEngine& engine_of(const StoredSide& side) {
  const auto at = std::ranges::find_if(side.session.plan.engines, [&](const PlanEngine& e) { return e.id == side.engine; });
  if (at == side.session.plan.engines.end()) {
    fail(ErrorKind::usage, "session {}: no engine {} in its plan {}", side.session.id, side.engine, side.session.plan.name);
  }
  return *at;
}

/// Why there can be no verdict, whatever else is equal.
std::string design_reason(const Session& a, const Session& b) {
  if (a.id == b.id && a.started_utc == b.started_utc) {
    return fmt::format("each side of session {} is one process (expected pairs of fresh ones: inferometer compare A B PLAN)",
                       a.id);
  }
  return fmt::format(
      "the sessions of {} and {} ran one after the other, each in one process (expected pairs of fresh ones: inferometer compare "
      "A "
      "B PLAN)",
      a.started_utc, b.started_utc);
}

void find_other_prompts(ComparisonReport& report, const Plan& a, const Plan& b) {
  for (const PlanPrompt& prompt : a.prompts) {
    const auto at = std::ranges::find_if(b.prompts, [&](const PlanPrompt& p) { return p.id == prompt.id; });
    if (at != b.prompts.end() && (at->text != prompt.text || at->raw != prompt.raw))
      report.incomparable.push_back(fmt::format("prompt {}: the sides have different texts under this name", prompt.id));
  }
}

RunsByCell runs_by_cell(const StoredSide& a, const StoredSide& b) {
  RunsByCell cells;
  for (std::size_t side = 0; side < 2; ++side) {
    const StoredSide& of = side == 0 ? a : b;
    for (const Run& run : of.runs) {
      if (run.kind == RunKind::measured && run.engine == of.engine)
        cells[{run.prompt, run.max_tokens, run.temperature}].at(side).push_back(&run);
    }
  }
  return cells;
}

std::vector<double> logs_of(const std::vector<const Run*>& runs, const ComparedMetric& metric) {
  std::vector<double> logs;
  for (const Run* run : runs) {
    const std::optional<double>& value = run->metrics.*metric.value;
    if (is_timed(*run) && value && *value > 0) logs.push_back(std::log(*value));
  }
  return logs;
}

void compare_cells(ComparisonReport& report, const RunsByCell& cells, const ComparedMetric& metric) {
  for (const auto& [key, sides] : cells) {
    const std::vector<double> a = logs_of(sides[0], metric);
    const std::vector<double> b = logs_of(sides[1], metric);
    if (a.empty() || b.empty()) {
      report.incomparable.push_back(fmt::format("{} of prompt {}, {} tokens, temperature {}: one side has none", metric.name,
                                                key.prompt, key.max_tokens, key.temperature));
      continue;
    }
    ComparedCell cell{.prompt = key.prompt,
                      .max_tokens = key.max_tokens,
                      .temperature = key.temperature,
                      .metric = metric.name,
                      .runs_a = static_cast<int>(a.size()),
                      .runs_b = static_cast<int>(b.size()),
                      .mean_a = std::exp(*stats::mean(a)),
                      .mean_b = std::exp(*stats::mean(b)),
                      .effect = {}};
    cell.effect.effect = *stats::mean(b) - *stats::mean(a);
    cell.effect.ci95 = stats::welch_interval(a, b);
    if (a.size() + b.size() <= kMostPermuted) {
      if (const auto test = stats::two_sample_permutation_test(a, b, kSeed)) cell.p_permutation = test->p;
    }
    report.cells.push_back(std::move(cell));
  }
}

}  // namespace

std::string stored_engine(const Session& session, const std::string& engine) {
  const Plan& plan = session.plan;
  if (plan.models.size() != 1) {
    fail(ErrorKind::usage, "session {}: its plan {} has {} models (expected one, so that a side is one thing)", session.id,
         plan.name, plan.models.size());
  }
  std::vector<std::string> ids;
  for (const PlanEngine& e : plan.engines) ids.push_back(e.id);
  if (engine.empty() && ids.size() == 1) return ids.front();
  if (std::ranges::find(ids, engine) == ids.end()) {
    fail(ErrorKind::usage, "session {}: {} (expected one of {})", session.id,
         engine.empty() ? std::string("which of its engines is meant") : "no engine " + engine, fmt::join(ids, ", "));
  }
  return engine;
}

ComparisonReport compare_stored(const StoredSide& a, const StoredSide& b, const std::vector<std::string>& metrics) {
  ComparisonReport report{.design = ComparedDesign::sessions,
                          .sides = {compared_side(a.session, engine_of(a)), compared_side(b.session, engine_of(b))},
                          .plan = a.session.plan.name,
                          .margin = std::log(1 + a.session.plan.equivalence_margin)};
  report.incomparable.push_back(design_reason(a.session, b.session));
  for (const std::string& other : other_machine(a.session.environment, b.session.environment))
    report.incomparable.push_back("another machine: " + other);
  if (a.session.plan.modes != b.session.plan.modes)
    report.incomparable.emplace_back("the sides ran in different modes (cold, warm)");
  find_other_prompts(report, a.session.plan, b.session.plan);
  const RunsByCell cells = runs_by_cell(a, b);
  if (cells.empty()) report.incomparable.emplace_back("no run was measured");
  for (const std::string& name : metrics) compare_cells(report, cells, compared_metric(name));
  find_differences(report, cells);
  return report;
}

}  // namespace ifm
