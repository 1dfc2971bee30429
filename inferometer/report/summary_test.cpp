#include "inferometer/report/summary.h"

#include <clocale>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <locale>
#include <sstream>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "inferometer/figure/figures.h"
#include "inferometer/figure/simulated_study.h"
#include "inferometer/render/display.h"
#include "inferometer/report/csv_files.h"
#include "inferometer/report/reproducibility_md.h"
#include "inferometer/report/results_md.h"
#include "inferometer/report/summary_json.h"

namespace ifm {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string golden_file() { return std::string(IFM_SOURCE_DIR) + "/tests/golden/report/summary.txt"; }

std::string read_all(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

/// A study with two series, a failed run, and names that try to break out of every format.
Study hostile_study() {
  simulated::Design design;
  design.series = {{"embedded", "=cmd\x1b[31m\n</script>|'x"}, {"embedded", "b"}};
  design.prompts = {"question"};
  design.failing_orders = {4};
  return simulated::study(design);
}

struct CommaDecimals : std::numpunct<char> {
  char do_decimal_point() const override { return ','; }
  char do_thousands_sep() const override { return '.'; }
  std::string do_grouping() const override { return "\3"; }
};

TEST(Summary, IsTheGoldenTextForTheSimulatedStudy) {
  const std::string text = summary_text(simulated::study({}));
  // A change of wording on purpose: run once with IFM_UPDATE_GOLDEN=1 and read the difference.
  if (std::getenv("IFM_UPDATE_GOLDEN") != nullptr) std::ofstream(golden_file(), std::ios::binary) << text;
  EXPECT_EQ(text, read_all(golden_file()));
}

TEST(Summary, NamesEachThingThatIssueThreeAsksFor) {
  const std::string text = summary_text(simulated::study({}));
  for (const char* part :
       {"Set-up", "Hardware", "System", "Model", "Engine", "Build", "Overall", "Latency", "Throughput", "Time to first token",
        "Decode speed", "Prefill speed", "By output length", "By temperature", "Where the spread comes from", "Fit for use",
        "What makes these numbers unreliable", "sd is over the whole design"}) {
    EXPECT_THAT(text, HasSubstr(part));
  }
}

TEST(Summary, EnergyIsARowWhereItWasMeasuredWithThePowerAtRestInTheState) {
  EXPECT_THAT(summary_text(simulated::study({})), Not(HasSubstr("Energy per token")));
  Session session = simulated::session({});
  session.environment.idle_power_w = 12.34;
  std::vector<ifm::Run> runs = simulated::runs({});
  for (ifm::Run& run : runs) run.metrics.joules_per_token = 0.5;
  const std::string text = summary_text(analyze(session, runs));
  EXPECT_THAT(text, HasSubstr("Energy per token       J      54  0.5000"));
  EXPECT_THAT(text, HasSubstr("12.3 W at rest"));
  EXPECT_THAT(text, HasSubstr("used 0.500 J per token"));
}

TEST(Reproducibility, SaysWhyTheMachineDidNotTellSomething) {
  EXPECT_THAT(reproducibility_markdown(simulated::study({})),
              HasSubstr("What this machine did not tell, and why:\n\n- energy: no powercap here (virtual machine)\n"));
}

TEST(Summary, StaysWithinAHundredColumns) {
  for (const Study& study : {simulated::study({}), hostile_study()}) {
    std::istringstream lines(summary_text(study));
    for (std::string line; std::getline(lines, line);) {
      const bool table_of_long_names = line.find("cmd") != std::string::npos;
      EXPECT_TRUE(table_of_long_names || display_width(line) <= 100) << line;
    }
  }
}

TEST(Report, Fault98TheSameUnderACommaDecimalLocale) {
  const Study study = simulated::study({});
  const auto everything = [&study] {
    std::string all = summary_text(study) + summary_json(study) + results_markdown(study, figures(study));
    all += reproducibility_markdown(study);
    for (const ReportFile& file : csv_files(study)) all += file.bytes;
    for (const Figure& figure : figures(study)) all += gnuplot_script(figure, FigureFormat::svg, "x.svg");
    return all;
  };
  const std::string before = everything();
  const std::locale old = std::locale::global(std::locale(std::locale::classic(), new CommaDecimals));
  std::setlocale(LC_NUMERIC, "de_DE.UTF-8");  // where it is installed
  const std::string after = everything();
  std::locale::global(old);
  std::setlocale(LC_NUMERIC, "C");
  EXPECT_EQ(before, after);
}

TEST(Report, Fault70NamesAreEscapedInEveryOutput) {
  const Study study = hostile_study();
  std::string all = summary_text(study) + results_markdown(study, figures(study)) + reproducibility_markdown(study);
  for (const ReportFile& file : csv_files(study)) all += file.bytes;
  for (const Figure& figure : figures(study)) all += gnuplot_script(figure, FigureFormat::png, "x.png");
  EXPECT_EQ(all.find('\x1b'), std::string::npos);
  EXPECT_THAT(results_markdown(study, {}), Not(HasSubstr("</script>")));
  EXPECT_THAT(runs_csv(study), Not(HasSubstr(",=cmd")));
  EXPECT_THAT(runs_csv(study), HasSubstr(",'=cmd"));
}

TEST(SummaryJson, HasTheKeysOfDesign) {
  const auto json = nlohmann::json::parse(summary_json(simulated::study({})));
  for (const char* key : {"session", "plan", "runs_ok", "runs_failed", "latency_s", "throughput_tok_per_s", "ttft_s",
                          "decode_tok_per_s", "by_max_tokens", "by_temperature", "by_engine", "variance_share", "conclusions"}) {
    EXPECT_TRUE(json.contains(key)) << key;
  }
  for (const char* key : {"n", "mean", "sd", "min", "median", "max", "ci95"}) EXPECT_TRUE(json["latency_s"].contains(key)) << key;
  EXPECT_EQ(json["latency_s"]["n"], 54);
  EXPECT_EQ(json["by_max_tokens"][0]["max_tokens"], 64);
  EXPECT_EQ(json["by_temperature"][1]["temperature"], 0.7);
}

TEST(SummaryJson, SaysNullForWhatIsUnknown) {
  simulated::Design design{.prompts = {"question"}, .max_tokens = {64}, .temperatures = {0.7}, .repeats = 1};
  const auto json = nlohmann::json::parse(summary_json(simulated::study(design)));
  EXPECT_TRUE(json["latency_s"]["sd"].is_null());
  EXPECT_TRUE(json["latency_s"]["ci95"].is_null());
  EXPECT_TRUE(json["load_s"]["mean"].is_null());
  EXPECT_TRUE(json["environment"]["governor"].is_null());
}

TEST(RunsCsv, HoldsEachRunAndFailedOnesWithoutTimes) {
  simulated::Design design;
  design.failing_orders = {7};
  const std::string csv = runs_csv(simulated::study(design));
  std::istringstream lines(csv);
  std::string line;
  int rows = -1;
  while (std::getline(lines, line)) ++rows;
  EXPECT_EQ(rows, 54);
  EXPECT_THAT(csv, HasSubstr(",failed,timeout,embedded: no token for 30 s,"));
}

TEST(Reproducibility, ShowsPlanCommandsAndBounds) {
  const std::string text = reproducibility_markdown(simulated::study({}));
  EXPECT_THAT(text, HasSubstr("```yaml\nversion: 1\nname: edge-study\n```"));
  EXPECT_THAT(text, HasSubstr("git checkout 0123abc\n"));
  EXPECT_THAT(text, HasSubstr("inferometer run plans/edge-study.yaml\n"));
  EXPECT_THAT(text, HasSubstr(std::string(64, 'b')));
  EXPECT_THAT(text, HasSubstr("expected within"));
}

}  // namespace
}  // namespace ifm
