#include "inferometer/report/comparison.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "inferometer/report/number.h"

namespace ifm {
namespace {

using stats::PairedEffect;
using stats::Verdict;

/// A log ratio as a signed percentage: "+4.8 %".
std::string percent(double log_ratio) { return fmt::format("{:+.1f} %", 100 * std::expm1(log_ratio)); }

std::string interval_text(const std::optional<Interval>& interval) {
  return interval ? fmt::format("{} to {}", percent(interval->low), percent(interval->high)) : std::string();
}

std::string cell_name(const ComparedCell& cell) {
  return fmt::format("{}, {} tokens, T {}", cell.prompt, cell.max_tokens, shortest(cell.temperature));
}

std::string side_text(const ComparisonReport& report, std::size_t side) {
  const PlanEngine& engine = report.session.plan.engines[side];
  std::string text = engine.kind;
  const auto at = std::ranges::find_if(report.session.models, [&](const SessionModel& m) { return m.engine == engine.id; });
  if (at != report.session.models.end()) {
    for (const std::string& part : {at->engine_version, at->isa, at->accuracy}) {
      if (!part.empty()) text += " · " + part;
    }
    if (at->threads > 0) text += fmt::format(" · {} threads", at->threads);
  }
  text += " · " + (engine.model.empty() ? report.session.plan.models.front() : engine.model);
  if (!engine.program.empty()) text += " · " + engine.program;
  return text;
}

ReportTable cells_table(const ComparisonReport& report) {
  ReportTable table{.columns = {{"cell", Align::left},
                                {"metric", Align::left},
                                {"A"},
                                {"B"},
                                {"B over A"},
                                {"95 %"},
                                {"could see"},
                                {"pairs"},
                                {"verdict", Align::left}},
                    .rows = {}};
  for (const ComparedCell& cell : report.cells) {
    const PairedEffect& e = cell.effect;
    std::string verdict = stats::to_string(e.verdict);
    if (e.more_pairs) verdict += fmt::format(" ({} more pairs)", *e.more_pairs);
    table.rows.push_back({cell_name(cell), cell.metric, duration_text(cell.mean_a), duration_text(cell.mean_b), percent(e.effect),
                          interval_text(e.ci95), e.detectable ? percent(*e.detectable) : "",
                          cell.dropped > 0 ? fmt::format("{} ({} dropped)", e.pairs, cell.dropped) : std::to_string(e.pairs),
                          verdict});
  }
  return table;
}

std::string count_of(int n, const char* one, const char* many) { return fmt::format("{} {}", n, n == 1 ? one : many); }

void add_findings(Document& document, const ComparisonReport& report) {
  std::vector<std::string> items;
  for (const std::string& why : report.incomparable) items.push_back("Incomparable: " + why + ".");
  if (report.same_ids) {
    items.push_back(*report.same_ids ? "Both sides gave the same tokens for greedy requests."
                                     : "The sides gave different tokens for greedy requests: they do not compute the same "
                                       "(`inferometer verify` says how far apart they are).");
  }
  if (report.flagged_pairs > 0) {
    items.push_back(fmt::format("{} of {} with flagged runs ({} of A, {} of B); without them: {}.",
                                count_of(report.flagged_pairs, "pair", "pairs"), report.pairs, report.flagged_a, report.flagged_b,
                                report.verdict_unflagged ? stats::to_string(*report.verdict_unflagged) : "too few are left"));
  }
  int most = 0;
  for (const ComparedCell& cell : report.cells) most = std::max(most, cell.effect.more_pairs.value_or(0));
  if (most > 0 && report.verdict == Verdict::inconclusive)
    items.push_back(
        fmt::format("About {} would decide all cells, if the effects are as seen.", count_of(most, "more pair", "more pairs")));
  if (!items.empty()) document.emplace_back(Bullets{items});
}

}  // namespace

std::string comparison_verdict(const ComparisonReport& report) {
  return report.incomparable.empty() ? stats::to_string(report.verdict) : "incomparable";
}

Document comparison_document(const ComparisonReport& report) {
  Document document{
      Title{"Comparison: " + comparison_verdict(report), ""},
      Facts{{{"A", side_text(report, 0)},
             {"B", side_text(report, 1)},
             {"design", fmt::format("{} of fresh processes, AB/BA balanced, {} of each cell in a process; plan {}",
                                    count_of(report.pairs, "adjacent pair", "adjacent pairs"),
                                    count_of(report.session.plan.repeats, "run", "runs"), report.session.plan.name)},
             {"margin", fmt::format("{} (an effect within it counts as none)", percent(report.margin))}}}};
  if (report.overall) {
    document.emplace_back(Paragraph{fmt::format("B against A over all cells, {}: {} (95 %: {}).", report.cells.front().metric,
                                                percent(report.overall->effect), interval_text(report.overall->ci95))});
  }
  document.emplace_back(cells_table(report));
  add_findings(document, report);
  return document;
}

Document preflight_document(const ComparisonReport& report, std::optional<double> false_alarm_percent) {
  double worst = 0;
  for (const ComparedCell& cell : report.cells) worst = std::max(worst, cell.effect.detectable.value_or(0));
  std::vector<std::string> items{fmt::format("With {} this runner sees {} in every cell, 8 times of 10.",
                                             count_of(report.pairs, "pair", "pairs"), percent(worst))};
  if (report.overall && report.overall->detectable)
    items.push_back(fmt::format("Over all cells together: {}.", percent(*report.overall->detectable)));
  if (false_alarm_percent) {
    items.push_back(
        fmt::format("Two equal sides would be called different in {:.1f} % of comparisons (simulated from these pairs).",
                    *false_alarm_percent));
  } else {
    items.emplace_back("Too few pairs to say how often two equal sides would be called different (10 are needed).");
  }
  return {Title{"Preflight: one build against itself", ""}, Bullets{items}, cells_table(report)};
}

}  // namespace ifm
