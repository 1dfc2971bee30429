#include "inferometer/report/figures.h"

#include <algorithm>
#include <map>
#include <sstream>

#include <gmock/gmock.h>

#include "inferometer/report/number.h"
#include "inferometer/report/simulated_study.h"

namespace ifm {
namespace {

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

TEST(Figures, AreFiveWithTheNamesOfTheStudy) {
  EXPECT_THAT(names_of(figures(simulated::study({}))),
              ElementsAre("01_latency_by_model", "02_throughput_by_model", "03_latency_vs_tokens", "04_temperature_effect",
                          "05_latency_distribution"));
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
  ASSERT_EQ(all.size(), 5U);
  EXPECT_EQ(all[0].body.find("xerrorbars"), std::string::npos);
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

TEST(GnuplotScript, NamesTheTerminalAndTheFile) {
  const Figure figure{"x", "X", 700, "plot sin(x)\n"};
  EXPECT_THAT(gnuplot_script(figure, FigureFormat::png, "a'b.png"), HasSubstr("set terminal pngcairo"));
  EXPECT_THAT(gnuplot_script(figure, FigureFormat::png, "a'b.png"), HasSubstr("set output 'a''b.png'"));
  EXPECT_THAT(gnuplot_script(figure, FigureFormat::svg, "x.svg"), HasSubstr("size 1600,700"));
}

TEST(WithFontFallbacks, NamesAFontForMachinesWithoutDejaVuAndAWeight) {
  EXPECT_EQ(with_font_fallbacks("<g font-family=\"DejaVu Sans\" x><g font-family=\"DejaVu Sans:Bold\">"),
            "<g font-family=\"DejaVu Sans, Verdana, sans-serif\" x><g font-family=\"DejaVu Sans, Verdana, sans-serif\" "
            "font-weight=\"bold\">");
}

}  // namespace
}  // namespace ifm
