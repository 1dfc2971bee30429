#include <string>

#include <gmock/gmock.h>

#include "inferometer/figure/figures.h"

namespace ifm {
namespace {

using ::testing::HasSubstr;

ComparisonReport report_of(std::vector<ComparedCell> cells) {
  ComparisonReport report;
  report.plan = "gate";
  report.margin = 0.00995033;  // log(1.01)
  for (ComparedSide& side : report.sides) side.engine.kind = "embedded";
  report.cells = std::move(cells);
  return report;
}

ComparedCell cell_of(int tokens, double effect, stats::Verdict verdict) {
  ComparedCell cell{.prompt = "it's", .max_tokens = tokens, .metric = "latency"};
  cell.effect.effect = effect;
  cell.effect.ci95 = Interval{effect - 0.01, effect + 0.02};
  cell.effect.verdict = verdict;
  return cell;
}

TEST(ForestFigure, HasARowForEachCellInPercentWithItsIntervalAndVerdict) {
  ComparisonReport report =
      report_of({cell_of(8, 0.04879016, stats::Verdict::regression), cell_of(64, 0, stats::Verdict::inconclusive)});
  report.overall = report.cells[0].effect;
  report.verdict = stats::Verdict::regression;
  const Figure figure = forest_figure(report);
  EXPECT_EQ(figure.name, "10_effects");
  EXPECT_EQ(figure.title, "B against A: regression");
  EXPECT_THAT(figure.body, HasSubstr("$effect0 << EOD\n4.99999"));  // 100 × (e^0.04879 − 1)
  EXPECT_THAT(figure.body, HasSubstr("'+5.0 % [+4.0, +7.1]  regression'"));
  EXPECT_THAT(figure.body, HasSubstr("'+0.0 % [-1.0, +2.0]  inconclusive'"));
  EXPECT_THAT(figure.body, HasSubstr("'it''s, 8 tokens, T 0' 0, 'it''s, 64 tokens, T 0' 1, 'all cells' 2"));
  EXPECT_THAT(figure.body, HasSubstr("rectangle from first -0.99999"));
}

TEST(ForestFigure, OfStoredSessionsShowsEffectsWithoutVerdicts) {
  ComparisonReport report = report_of({cell_of(8, 0.05, stats::Verdict::regression)});
  report.design = ComparedDesign::sessions;
  report.incomparable = {"another machine"};
  const Figure figure = forest_figure(report);
  EXPECT_EQ(figure.title, "B against A: incomparable");
  EXPECT_EQ(figure.body.find("regression"), std::string::npos);
}

TEST(ForestFigure, WithoutACellIsEmpty) { EXPECT_TRUE(forest_figure(report_of({})).body.empty()); }

}  // namespace
}  // namespace ifm
