#include "inferometer/figure/figures.h"

#include <algorithm>
#include <map>
#include <sstream>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "inferometer/base/error.h"
#include "inferometer/figure/plot.h"
#include "inferometer/figure/simulated_study.h"
#include "inferometer/render/escape.h"
#include "inferometer/render/number.h"

namespace ifm {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Rows of all data blocks whose name starts with `prefix`.
int rows_of(const std::string& script, const std::string& prefix) {
  std::istringstream lines(script);
  int rows = 0;
  bool counting = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind("$" + prefix, 0) == 0) {
      counting = true;
    } else if (line == "EOD") {
      counting = false;
    } else if (counting) {
      ++rows;
    }
  }
  return rows;
}

std::vector<std::string> names_of(const std::vector<Figure>& all) {
  std::vector<std::string> names;
  for (const Figure& figure : all) names.push_back(figure.name);
  return names;
}

TEST(Figures, AreTheFiveOfTheStudyTwoOfItsSpreadAndTwoOfItsSpeed) {
  EXPECT_THAT(
      names_of(figures(simulated::study({}))),
      ElementsAre("01_latency_by_model", "02_throughput_by_model", "03_latency_vs_tokens", "04_temperature_effect",
                  "05_latency_distribution", "06_variability", "07_run_order", "08_first_token_and_decode", "09_roofline"));
}

TEST(Figures, HoldEveryTimedRunOnce) {
  simulated::Design design;
  design.series.push_back({"simulated", "other", 0.5, 0.02, 0.03});
  design.failing_orders = {3, 40};
  const Study study = simulated::study(design);
  const int timed = 108 - 2;
  const std::vector<Figure> all = figures(study);
  for (size_t i = 0; i < 4; ++i) EXPECT_EQ(rows_of(all[i].body, "runs"), timed) << all[i].name;
  EXPECT_EQ(rows_of(all[4].body, "share"), timed + 2);  // each curve starts with one more row, at 0
  EXPECT_EQ(rows_of(all[4].body, "repeat"), timed);
}

TEST(Figures, HoldTheRunsOwnLatency) {
  const Study study = simulated::study({});
  const std::string script = figures(study)[2].body;
  for (const ifm::Run& run : study.runs) EXPECT_THAT(script, HasSubstr(" " + shortest(run.metrics.e2e_s) + "\n"));
}

TEST(Figures, AreTheSameEachTime) {
  const Study study = simulated::study({});
  const std::vector<Figure> a = figures(study);
  const std::vector<Figure> b = figures(study);
  for (size_t i = 0; i < a.size(); ++i) EXPECT_EQ(a[i].body, b[i].body);
}

TEST(Figures, OfASessionWithoutTimesAreNone) {
  simulated::Design design{.prompts = {"question"}, .max_tokens = {64}, .temperatures = {0.7}, .repeats = 1};
  design.failing_orders = {0};
  EXPECT_TRUE(figures(simulated::study(design)).empty());
}

TEST(Figures, OfASingleRunNeedNoInterval) {
  const simulated::Design design{.prompts = {"question"}, .max_tokens = {64}, .temperatures = {0.7}, .repeats = 1};
  const std::vector<Figure> all = figures(simulated::study(design));
  ASSERT_EQ(all.size(), 7U);  // nothing varies and nothing was repeated: no shares, no order
  for (const size_t i : {0U, 1U, 2U, 4U}) {
    EXPECT_EQ(all[i].body.find(" with xerrorbars"), std::string::npos) << all[i].name;
    EXPECT_THAT(all[i].body, HasSubstr("no cell was repeated")) << all[i].name;
  }
}

TEST(Figures, OfTheStudyHaveWhiskersWhereThereAreIntervals) {
  for (const Figure& figure : figures(simulated::study({}))) {
    if (figure.name == "07_run_order" || figure.name == "09_roofline") continue;  // single runs; means of a series
    EXPECT_THAT(figure.body, HasSubstr("errorbars")) << figure.name;
  }
}

/// The numbers of a data block, row by row.
std::vector<std::vector<double>> block_of(const std::string& script, const std::string& name) {
  std::istringstream lines(script.substr(script.find("$" + name + " << EOD\n")));
  std::vector<std::vector<double>> rows;
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line) && line != "EOD") {
    std::istringstream words(line);
    rows.emplace_back();
    for (double x = 0; words >> x;) rows.back().push_back(x);
  }
  return rows;
}

TEST(VariabilityFigure, BarsAreTheSharesAndFillEachRow) {
  const Study study = simulated::study({});
  const std::string script = figures(study)[5].body;
  std::map<double, double> filled;  // by row
  for (const char* name : {"share0", "share1", "share2", "share6", "share7", "share8"}) {
    for (const auto& bar : block_of(script, name)) filled[bar[1]] += bar[3] - bar[2];
  }
  ASSERT_EQ(filled.size(), 4U);
  for (const auto& [row, total] : filled) EXPECT_NEAR(total, 100, 1e-9) << row;
  const auto length = std::find_if(study.variance.begin(), study.variance.end(),
                                   [](const VarianceShare& s) { return s.metric == "latency_s" && s.factor == "max_tokens"; });
  EXPECT_NEAR(block_of(script, "share0").front()[3], 100 * length->share, 1e-9);
  const auto within = block_of(script, "within").front();
  EXPECT_NEAR(within[0], 100 * *study.overall.latency_s.cv_within, 1e-9);
  EXPECT_NEAR(within[2], 100 * study.overall.latency_s.cv_within_ci95->low, 1e-9);
}

TEST(RunOrderFigure, MarksFlaggedRunsAndNamesTheFlag) {
  std::vector<ifm::Run> runs = simulated::runs({});
  runs[4].flags = {"canary"};
  runs[9].flags = {"canary", "steal"};
  const std::string script = figures(analyze(simulated::session({}), runs))[6].body;
  EXPECT_EQ(rows_of(script, "order"), 54);
  const auto canary = block_of(script, "flag0");
  ASSERT_EQ(canary.size(), 2U);
  EXPECT_EQ(canary[0][0], 5);
  EXPECT_EQ(canary[1][0], 10);
  EXPECT_EQ(block_of(script, "flag1").size(), 1U);
  EXPECT_THAT(script, HasSubstr("'flag: canary'"));
  EXPECT_THAT(script, HasSubstr("'flag: steal'"));
  EXPECT_THAT(figures(simulated::study({}))[6].body, HasSubstr("No run shown is flagged."));
}

TEST(RunOrderFigure, ShowsEachRunAgainstTheMeanOfItsCell) {
  const Study study = simulated::study({});
  const ifm::Run& first = study.runs.front();
  double sum = 0;
  for (const ifm::Run& run : study.runs) sum += run.cell == first.cell ? *run.metrics.e2e_s : 0;
  EXPECT_NEAR(block_of(figures(study)[6].body, "order0").front()[1], 100 * (*first.metrics.e2e_s / (sum / 3) - 1), 1e-9);
}

TEST(SpeedsFigure, HoldsEachRunsFirstTokenAndDecodeSpeed) {
  const Study study = simulated::study({});
  const std::string script = figures(study)[7].body;
  EXPECT_EQ(rows_of(script, "ttft_runs"), 54);
  EXPECT_EQ(rows_of(script, "decode_runs"), 54);
  EXPECT_NEAR(block_of(script, "decode_mean0")[0][0], *study.by_model[0].decode_tok_per_s.mean, 1e-9);
  EXPECT_NEAR(block_of(script, "ttft_mean0")[0][0], *study.by_model[0].ttft_s.mean * 1e3, 1e-9);
}

TEST(SpeedsFigure, LeavesOutWhatNoRunKnows) {
  std::vector<ifm::Run> runs = simulated::runs({});
  for (ifm::Run& run : runs) run.metrics.decode_tok_per_s.reset();
  for (const Figure& figure : figures(analyze(simulated::session({}), runs))) {
    if (figure.name == "08_first_token_and_decode") {
      EXPECT_EQ(rows_of(figure.body, "decode"), 0);
    }
    for (size_t at = figure.body.find("\nplot "); at != std::string::npos; at = figure.body.find("\nplot ", at + 1))
      EXPECT_NE(figure.body[at + 6], '\n') << figure.name << ": nothing to plot";
  }
}

TEST(RooflineFigure, HoldsThePointsBelowTheMeasuredLimits) {
  const Study study = simulated::study({});
  const std::string script = figures(study)[8].body;
  ASSERT_EQ(study.roofline.size(), 2U);
  for (size_t i = 0; i < 2; ++i) {
    const std::vector<double> point = block_of(script, fmt::format("point{}", i))[0];
    EXPECT_NEAR(point[0], study.roofline[i].macs_per_byte, 1e-9);
    EXPECT_NEAR(point[1], study.roofline[i].gmac_per_s, 1e-9);
  }
  const auto roof = block_of(script, "roof");
  EXPECT_NEAR(roof[1][0], 412 / 21.4, 1e-9) << "where memory's slope meets the peak";
  EXPECT_NEAR(roof[0][1] / roof[0][0], 21.4, 1e-9);
  EXPECT_EQ(roof[2][1], 412);
}

TEST(RooflineFigure, IsNoneWhereTheModelsWorkIsNotKnown) {
  Session session = simulated::session({});
  for (SessionModel& model : session.models) model.macs_per_token.reset();
  for (const Figure& figure : figures(analyze(session, simulated::runs({})))) EXPECT_NE(figure.name, "09_roofline");
}

TEST(LatencyFigure, HasTheLinesIntervalAsABand) {
  const Study study = simulated::study({});
  const Scaling& fit = study.scaling.at(0);
  const auto band = block_of(figures(study)[2].body, "band0");
  ASSERT_EQ(band.size(), 3U);
  EXPECT_NEAR(band[0][1], fit.fixed_ci95->low, 1e-12);
  EXPECT_NEAR(band[2][0], 256, 0);
  EXPECT_NEAR(band[2][2], 256 / fit.longest_ci95->low, 1e-9);
  for (const auto& row : band) {
    const double line = *fit.fixed_s + *fit.per_token_s * row[0];
    EXPECT_LT(row[1], line);
    EXPECT_GT(row[2], line);
  }
}

TEST(GapsFigure, HoldsEveryGapInMilliseconds) {
  const Study study = simulated::study({});
  ifm::Run run = study.runs[0];
  run.stamps = {{10'000'000, 12'000'000, 12'000'000, 15'500'000}, {1, 1, 0, 3}};
  const Figure figure = gaps_figure(study, run);
  EXPECT_EQ(figure.name, "gaps_run_1");
  EXPECT_THAT(block_of(figure.body, "gaps"), ElementsAre(ElementsAre(2, 2)));
  EXPECT_THAT(block_of(figure.body, "several"), ElementsAre(ElementsAre(5, 3.5)));
  EXPECT_THAT(figure.body, HasSubstr("longest gap, 3.50 ms, ends at token 5."));
  run.stamps = {{10'000'000}, {4}};
  EXPECT_THROW((void)gaps_figure(study, run), Error);
}

TEST(SeriesMark, IsOneColourForEachEngineInEveryFigure) {
  simulated::Design design;
  design.series = {{"embedded", "a"}, {"embedded", "b"}, {"mlx", "a"}};
  const Study study = simulated::study(design);
  const std::string mlx = series_mark(study, 2).colour;
  EXPECT_EQ(mlx, mark_of(1).colour);  // its one series: the engine's colour itself
  EXPECT_NE(series_mark(study, 0).colour, series_mark(study, 1).colour);
  for (const Figure& figure : figures(study)) {
    if (figure.name == "06_variability") continue;  // factors, not engines
    EXPECT_THAT(figure.body, HasSubstr(mlx.substr(1))) << figure.name;
  }
  const Study alone = simulated::study({});
  EXPECT_EQ(series_mark(alone, 0).colour, mark_of(0).colour);
  EXPECT_EQ(length_mark(alone, 1).colour, mark_of(0).colour);  // of three lengths the middle one
  EXPECT_NE(length_mark(alone, 0).colour, length_mark(alone, 2).colour);
}

TEST(Figures, PutLongNamesInsideTheirQuotes) {
  simulated::Design design;
  design.series = {{"embedded", "it's\n'; system 'x"}, {"embedded", "b"}};
  for (const Figure& figure : figures(simulated::study(design))) {
    std::istringstream lines(figure.body);
    for (std::string line; std::getline(lines, line);) {
      EXPECT_EQ(std::count(line.begin(), line.end(), '\'') % 2, 0) << line;
    }
  }
}

TEST(ColumnFigures, HaveOnePartAndLeaveWordsToThePaper) {
  const Study study = simulated::study({});
  const std::vector<Figure> wide = figures(study);
  const std::vector<Figure> narrow = column_figures(study);
  ASSERT_GE(narrow.size(), 4U);
  for (const Figure& figure : narrow) {
    const auto same = std::find_if(wide.begin(), wide.end(), [&](const Figure& f) { return f.name == figure.name; });
    ASSERT_NE(same, wide.end()) << figure.name;
    EXPECT_THAT(same->body, HasSubstr(quote_gnuplot(figure.title)));
    EXPECT_EQ(figure.body.find(quote_gnuplot(figure.title)), std::string::npos) << figure.name;
    EXPECT_LT(figure.width, same->width);
    EXPECT_THAT(gnuplot_script(figure, FigureFormat::column, "x.png"), HasSubstr("size 1020,"));
  }
}

TEST(GnuplotScript, NamesTheTerminalAndTheFile) {
  const Figure figure{"x", "X", 700, "plot sin(x)\n", {}};
  EXPECT_THAT(gnuplot_script(figure, FigureFormat::png, "a'b.png"), HasSubstr("set terminal pngcairo"));
  EXPECT_THAT(gnuplot_script(figure, FigureFormat::png, "a'b.png"), HasSubstr("set output 'a''b.png'"));
  EXPECT_THAT(gnuplot_script(figure, FigureFormat::svg, "x.svg"), HasSubstr("size 1600,700"));
  EXPECT_THAT(gnuplot_script(figure, FigureFormat::slide, "x.png"), AllOf(HasSubstr("pngcairo"), HasSubstr("size 1920,1080")));
}

}  // namespace
}  // namespace ifm
