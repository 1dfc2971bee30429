#include "inferometer/report/comparison.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "inferometer/render/number.h"

namespace ifm {
namespace {

using stats::PairedEffect;
using stats::Verdict;

/// A log ratio as a signed percentage: "+4.8 %".
std::string percent(double log_ratio) { return fmt::format("{:+.1f} %", 100 * std::expm1(log_ratio)); }

std::string interval_text(const std::optional<Interval>& interval) {
  return interval ? fmt::format("{} to {}", percent(interval->low), percent(interval->high)) : std::string();
}

std::string pairs_text(const ComparedCell& cell) {
  return cell.dropped > 0 ? fmt::format("{} ({} dropped)", cell.effect.pairs, cell.dropped) : std::to_string(cell.effect.pairs);
}

/// Cells of stored sessions have no pairs, and so nothing that rests on them.
ReportTable stored_cells_table(const ComparisonReport& report) {
  ReportTable table{
      .columns =
          {{"cell", Align::left}, {"metric", Align::left}, {"A"}, {"B"}, {"B over A"}, {"95 %"}, {"p"}, {"runs A"}, {"runs B"}},
      .rows = {}};
  for (const ComparedCell& cell : report.cells) {
    table.rows.push_back({comparison_cell_name(cell), cell.metric, duration_text(cell.mean_a), duration_text(cell.mean_b),
                          percent(cell.effect.effect), interval_text(cell.effect.ci95),
                          cell.p_permutation ? fmt::format("{:.3f}", *cell.p_permutation) : "", std::to_string(cell.runs_a),
                          std::to_string(cell.runs_b)});
  }
  return table;
}

ReportTable paired_cells_table(const ComparisonReport& report) {
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
    table.rows.push_back({comparison_cell_name(cell), cell.metric, duration_text(cell.mean_a), duration_text(cell.mean_b),
                          percent(e.effect), interval_text(e.ci95), e.detectable ? percent(*e.detectable) : "", pairs_text(cell),
                          verdict});
  }
  return table;
}

ReportTable cells_table(const ComparisonReport& report) {
  return report.design == ComparedDesign::pairs ? paired_cells_table(report) : stored_cells_table(report);
}

/// Whether more pairs or more turns in each narrow the cell that sees least; "" where that is unknown.
std::string noise_text(const ComparisonReport& report) {
  const ComparedCell* worst = nullptr;
  for (const ComparedCell& cell : report.cells) {
    if (!cell.sd_turn || !cell.effect.detectable) continue;
    if (worst == nullptr || *cell.effect.detectable > *worst->effect.detectable) worst = &cell;
  }
  if (worst == nullptr) return "";
  const bool turns_help = *worst->sd_turn * *worst->sd_turn / report.runs_per_process > *worst->sd_between * *worst->sd_between;
  return fmt::format(
      "{}: a turn's ratio varies by {:.1f} % inside a pair, and pairs by {:.1f} % more: {}.", comparison_cell_name(*worst),
      100 * *worst->sd_turn, 100 * *worst->sd_between,
      turns_help ? "more turns in each (the plan's repeats) help as much as more pairs, and cost less" : "only more pairs help");
}

void add_findings(Document& document, const ComparisonReport& report) {
  std::vector<std::string> items;
  for (const std::string& why : report.incomparable) items.push_back("Incomparable: " + why + ".");
  if (report.same_ids) {
    items.push_back(*report.same_ids ? "Both sides gave the same tokens for greedy requests."
                                     : "The sides gave different tokens for greedy requests: they do not compute the same "
                                       "(`inferometer verify` says how far apart they are).");
  }
  if (report.extra_pairs > 0) {
    items.push_back(fmt::format("{} run beyond the {} asked for, because as many were flagged; every pair counts.",
                                counted(report.extra_pairs, "pair was", "pairs were"), report.pairs - report.extra_pairs));
  }
  if (report.flagged_pairs > 0) {
    items.push_back(fmt::format("{} of {} with flagged runs ({} of A, {} of B); without them: {}.",
                                counted(report.flagged_pairs, "pair", "pairs"), report.pairs, report.flagged_a, report.flagged_b,
                                report.verdict_unflagged ? stats::to_string(*report.verdict_unflagged) : "too few are left"));
  }
  int most = 0;
  for (const ComparedCell& cell : report.cells) most = std::max(most, cell.effect.more_pairs.value_or(0));
  if (most > 0 && report.verdict == Verdict::inconclusive)
    items.push_back(
        fmt::format("About {} would decide all cells, if the effects are as seen.", counted(most, "more pair", "more pairs")));
  if (report.verdict == Verdict::inconclusive && report.incomparable.empty())
    if (std::string noise = noise_text(report); !noise.empty()) items.push_back(std::move(noise));
  if (!items.empty()) document.emplace_back(Bullets{items});
}

}  // namespace

Document comparison_document(const ComparisonReport& report) {
  Document document{Title{"Comparison: " + comparison_verdict(report), ""},
                    Facts{{{"A", comparison_side(report.sides[0])},
                           {"B", comparison_side(report.sides[1])},
                           {"design", comparison_design(report)},
                           {"margin", fmt::format("{} (an effect within it counts as none)", percent(report.margin))}}}};
  if (report.overall) {
    document.emplace_back(Paragraph{fmt::format("B against A over all cells, {}: {} (95 %: {}).", report.cells.front().metric,
                                                percent(report.overall->effect), interval_text(report.overall->ci95))});
  }
  document.emplace_back(cells_table(report));
  add_findings(document, report);
  return document;
}

Document preflight_document(const ComparisonReport& report, const Preflight& found) {
  double worst = 0;
  for (const ComparedCell& cell : report.cells) worst = std::max(worst, cell.effect.detectable.value_or(0));
  const std::string pairs = counted(report.pairs, "pair", "pairs");
  std::vector<std::string> items{worst > 0 ? fmt::format("With {} this runner sees {} in every cell, 8 times of 10{}.", pairs,
                                                         percent(found.detectable.value_or(worst)),
                                                         found.detectable ? " (simulated from these pairs)" : "")
                                           : fmt::format("{} can decide nothing.", pairs)};
  if (report.overall && report.overall->detectable)
    items.push_back(fmt::format("Over all cells together: {}.", percent(*report.overall->detectable)));
  if (found.false_alarm_percent) {
    items.push_back(
        fmt::format("Two equal sides would be called different in {:.1f} % of comparisons (simulated from these pairs).",
                    *found.false_alarm_percent));
  } else {
    items.emplace_back("Too few pairs to say how often two equal sides would be called different (10 are needed).");
  }
  if (std::string noise = noise_text(report); !noise.empty()) items.push_back(std::move(noise));
  return {Title{"Preflight: one build against itself", ""}, Bullets{items}, cells_table(report)};
}

}  // namespace ifm
