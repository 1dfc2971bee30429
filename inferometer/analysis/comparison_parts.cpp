#include "inferometer/analysis/comparison_parts.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "inferometer/base/error.h"

namespace ifm {
namespace {

void find_other_weights(ComparisonReport& report) {
  const auto& [a, b] = report.sides;
  if (a.model != b.model || !a.loaded || !b.loaded || a.loaded->hash.empty() || b.loaded->hash.empty()) return;
  if (a.loaded->hash == b.loaded->hash) return;
  report.incomparable.push_back(fmt::format("{}: the two sides loaded different weights ({} and {})", a.model,
                                            a.loaded->hash.substr(0, 19), b.loaded->hash.substr(0, 19)));
}

std::set<int> lengths_of(const std::vector<const Run*>& runs) {
  std::set<int> lengths;
  for (const Run* run : runs) {
    if (run->status == RunStatus::ok && run->output_tokens) lengths.insert(*run->output_tokens);
  }
  return lengths;
}

void find_other_lengths(ComparisonReport& report, const RunsByCell& cells) {
  for (const auto& [key, runs] : cells) {
    const std::set<int> a = lengths_of(runs[0]);
    const std::set<int> b = lengths_of(runs[1]);
    if (a.empty() || b.empty() || a == b) continue;
    report.incomparable.push_back(fmt::format("prompt {}, {} tokens: the sides gave different numbers of tokens ({} and {})",
                                              key.prompt, key.max_tokens, fmt::join(a, ", "), fmt::join(b, ", ")));
  }
}

std::optional<bool> same_greedy_ids(const RunsByCell& cells) {
  std::optional<bool> same;
  for (const auto& [key, sides] : cells) {
    if (key.temperature != 0) continue;
    std::set<std::string> hashes;
    for (const std::vector<const Run*>& runs : sides) {
      for (const Run* run : runs) {
        if (run->status == RunStatus::ok && !run->ids_hash.empty()) hashes.insert(run->ids_hash);
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

const ComparedMetric& compared_metric(const std::string& name) {
  std::vector<std::string> names;
  for (const ComparedMetric& metric : compared_metrics()) {
    if (metric.name == name) return metric;
    names.emplace_back(metric.name);
  }
  fail(ErrorKind::usage, "--metric: {} is unknown (expected {})", name, fmt::join(names, ", "));
}

std::vector<std::string> other_machine(const Environment& a, const Environment& b) {
  std::vector<std::string> others;
  const auto differ = [&](const char* what, const std::string& of_a, const std::string& of_b) {
    if (of_a != of_b) others.push_back(fmt::format("{} {} and {}", what, of_a, of_b));
  };
  const auto number = [](const auto& value) { return value ? fmt::format("{}", *value) : std::string("unknown"); };
  differ("processor", a.cpu, b.cpu);
  differ("logical cores", number(a.logical_cores), number(b.logical_cores));
  differ("bytes of memory", number(a.memory_bytes), number(b.memory_bytes));
  differ("system", a.os, b.os);
  return others;
}

ComparedSide compared_side(const Session& session, const PlanEngine& engine) {
  ComparedSide side{.session = session.id,
                    .engine = engine,
                    .model = engine.model.empty() && !session.plan.models.empty() ? session.plan.models.front() : engine.model,
                    .loaded = {}};
  const auto at = std::ranges::find_if(session.models, [&](const SessionModel& m) { return m.engine == engine.id; });
  if (at != session.models.end()) side.loaded = *at;
  return side;
}

void find_differences(ComparisonReport& report, const RunsByCell& cells) {
  find_other_weights(report);
  find_other_lengths(report, cells);
  report.same_ids = same_greedy_ids(cells);
}

}  // namespace ifm
