#include "inferometer/report/page.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <set>
#include <string>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "inferometer/figure/simulated_study.h"
#include "inferometer/report/assets.h"
#include "inferometer/report/run_explorer.h"

namespace ifm {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kDrawing = "<svg viewBox=\"0 0 16 9\">\n<g id=\"gnuplot_canvas\"><text>drawn</text></g>\n</svg>\n";

std::string page_of(const Study& study) {
  PageParts parts;
  parts.figures = figures(study);
  for (const Figure& figure : parts.figures) parts.drawings[figure.name] = kDrawing;
  parts.runs = study.runs;
  parts.tables = csv_files(study);
  return report_page(study, parts);
}

/// What stands between two texts, the first time.
std::string between(const std::string& text, const std::string& begin, const std::string& end) {
  const size_t at = text.find(begin) + begin.size();
  return text.substr(at, text.find(end, at) - at);
}

json runs_data(const std::string& page) {
  return json::parse(between(page, "<script type=\"application/json\" id=\"runs-data\">", "</script>"));
}

TEST(ReportPage, HoldsTheVerdictsFirstThenTheMachineTheTablesAndHowToRepeatIt) {
  const std::string page = page_of(simulated::study({}));
  size_t before = 0;
  for (const char* id :
       {"in-short", "set-up", "overall", "by-output-length", "by-temperature", "fit-for-use",
        "what-makes-these-numbers-unreliable", "runs", "how-it-was-measured", "plan", "commands", "expected-values", "data"}) {
    const size_t at = page.find(std::string("<section id=\"") + id + "\"");
    ASSERT_NE(at, std::string::npos) << id;
    EXPECT_GT(at, before) << id;
    EXPECT_THAT(page, HasSubstr(std::string("<li><a href=\"#") + id + "\">"));
    before = at;
  }
  EXPECT_THAT(page,
              HasSubstr("How fast does smollm2-135m answer on this machine through embedded, and what do output length (64, 128 "
                        "and 256 tokens), temperature (0.3 and 0.7) and the prompt (3 of them) change?"));
}

TEST(ReportPage, HasEveryFigureWithItsDataInside) {
  const Study study = simulated::study({});
  const std::string page = page_of(study);
  for (const Figure& figure : figures(study)) {
    EXPECT_THAT(page, HasSubstr("aria-labelledby=\"" + figure.name + "-name\""));
    EXPECT_FALSE(figure.data.empty()) << figure.name;
    for (const std::string& table : figure.data) EXPECT_THAT(page, HasSubstr("download=\"" + table + "\"")) << figure.name;
  }
}

TEST(ReportPage, UsesEachIdOnceAndLinksOnlyToWhatIsThere) {
  const std::string page = page_of(simulated::study({}));
  std::multiset<std::string> ids;
  for (size_t at = page.find(" id=\""); at != std::string::npos; at = page.find(" id=\"", at + 1))
    ids.insert(page.substr(at + 5, page.find('"', at + 5) - at - 5));
  for (const std::string& id : ids) EXPECT_EQ(ids.count(id), 1U) << id;
  for (size_t at = page.find("href=\"#"); at != std::string::npos; at = page.find("href=\"#", at + 1)) {
    const std::string id = page.substr(at + 7, page.find('"', at + 7) - at - 7);
    EXPECT_EQ(ids.count(id), 1U) << id;
  }
}

TEST(ReportPage, AllowsItsOwnScriptAndNothingElse) {
  const std::string page = page_of(simulated::study({}));
  const std::string policy = between(page, "http-equiv=\"Content-Security-Policy\" content=\"", "\"");
  EXPECT_THAT(policy, HasSubstr("default-src 'none'"));
  const std::string script = between(page, "<script>", "</script>");
  EXPECT_EQ(script, page_js());
  EXPECT_THAT(policy, HasSubstr("script-src " + script_source(script) + ";"));
  std::string rest = page;
  rest.erase(rest.find(script), script.size());
  for (const char* foreign : {"http://", "https://", "src=", "@import", "url("}) EXPECT_THAT(rest, Not(HasSubstr(foreign)));
}

TEST(ScriptSource, IsTheDigestInBase64) {
  // printf '' | openssl dgst -sha256 -binary | base64 (OpenSSL 3.0.17); and of "abc".
  EXPECT_EQ(script_source(""), "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='");
  EXPECT_EQ(script_source("abc"), "'sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0='");
}

TEST(ReportPage, ShowsWhatAModelSaidAsTextWhateverItSaid) {
  Study study = simulated::study({});
  const std::string answer = "</script><script>alert(1)</script><!-- <img src=x onerror=alert(2)> \xE2\x80\xAE\x1b[31m\nend\xff";
  for (ifm::Run& run : study.runs) run.text = answer;
  const std::string page = page_of(study);
  EXPECT_EQ(std::count(page.begin(), page.end(), '\x1b'), 0);
  size_t scripts = 0;
  for (size_t at = page.find("<script"); at != std::string::npos; at = page.find("<script", at + 1)) ++scripts;
  EXPECT_EQ(scripts, 2U) << "the data and the page's own";
  EXPECT_THAT(page, Not(HasSubstr("<img")));
  EXPECT_THAT(page, Not(HasSubstr("<!--")));
  EXPECT_EQ(runs_data(page)["runs"][0]["text"],
            "</script><script>alert(1)</script><!-- <img src=x onerror=alert(2)> \\u202e\\x1b[31m\nend\\xff");
}

TEST(ReportPage, WithoutDrawingsIsWholeButForThem) {
  const Study study = simulated::study({});
  const std::string page = report_page(study, {figures(study), {}, study.runs, csv_files(study)});
  EXPECT_THAT(page, Not(HasSubstr("<figure>")));
  EXPECT_THAT(page, HasSubstr("<section id=\"overall\""));
}

TEST(ReportPage, OfASessionWithoutTimesSaysSo) {
  simulated::Design design{.prompts = {"question"}, .max_tokens = {64}, .temperatures = {0.7}, .repeats = 1};
  design.failing_orders = {0};
  const std::string page = page_of(simulated::study(design));
  EXPECT_THAT(page, HasSubstr("<p>No run has timings.</p>"));
  EXPECT_THAT(page, HasSubstr("failed: timeout"));
  EXPECT_THAT(page, HasSubstr("How fast does smollm2-135m answer on this machine through embedded?"));
}

TEST(ReportPage, OfSeveralSeriesComparesTheirMeans) {
  simulated::Design design;
  design.series = {{"embedded", "a"}, {"mlx", "a", 0.08, 0.02}};
  const std::string section = between(page_of(simulated::study(design)), "<section id=\"in-short\"", "</section>");
  EXPECT_THAT(section, HasSubstr(">embedded · a</th>"));
  EXPECT_THAT(section, HasSubstr(">mlx · a</th>"));
  EXPECT_THAT(section, Not(HasSubstr("class=\"cards\"")));
}

TEST(TypicalRun, IsTheMedianOfTheLongestAnswersOfTheFirstSeries) {
  const Study study = simulated::study({});
  const ifm::Run* run = typical_run(study, study.runs);
  ASSERT_NE(run, nullptr);
  EXPECT_EQ(run->max_tokens, 256);
  int below = 0;
  int all = 0;
  for (const ifm::Run& other : study.runs) {
    if (other.max_tokens != 256) continue;
    ++all;
    below += *other.metrics.e2e_s < *run->metrics.e2e_s ? 1 : 0;
  }
  EXPECT_EQ(below, (all - 1) / 2);
  EXPECT_EQ(typical_run(study, {}), nullptr);
}

TEST(RunsSection, HoldsEachRunsTokenTimesToTheMicrosecond) {
  const Study study = simulated::study({});
  const json data = runs_data(runs_section(study, study.runs));
  ASSERT_EQ(data["runs"].size(), study.runs.size());
  for (size_t i = 0; i < study.runs.size(); ++i) {
    const ifm::Run& run = study.runs[i];
    const json& shown = data["runs"][i];
    EXPECT_EQ(shown["id"], run.id);
    EXPECT_EQ(data["prompts"][shown["prompt"].get<size_t>()], run.prompt);
    int64_t at_us = 0;
    ASSERT_EQ(shown["gaps_us"].size(), run.stamps.offset_ns.size());
    for (size_t k = 0; k < run.stamps.offset_ns.size(); ++k) {
      at_us += shown["gaps_us"][k].get<int64_t>();
      EXPECT_LE(std::abs(at_us * 1000 - run.stamps.offset_ns[k]), 500) << "rounded once, not gap by gap";
    }
    EXPECT_FALSE(shown.contains("held")) << "one token in each event";
  }
}

TEST(RunsSection, SaysHowManyTokensAnEventHeldWhereNotOne) {
  const Study study = simulated::study({});
  std::vector<ifm::Run> runs{study.runs[0]};
  runs[0].stamps = {{1'000'000, 2'000'000}, {1, 3}};
  EXPECT_EQ(runs_data(runs_section(study, runs))["runs"][0]["held"], (json{1, 3}));
}

TEST(RunsSection, LeavesOutTokensOfSomeRunsWhenAllWouldBeTooMuchAndKeepsThoseOfNotedOnes) {
  Study study = simulated::study({});
  study.runs[7].flags = {"steal"};
  size_t all = 0;
  for (const ifm::Run& run : study.runs) all += 6 * run.stamps.offset_ns.size();
  const json data = runs_data(runs_section(study, study.runs, all / 4));
  size_t shown = 0;
  size_t used = 0;
  std::vector<size_t> places;
  for (size_t i = 0; i < study.runs.size(); ++i) {
    if (!data["runs"][i].contains("gaps_us")) continue;
    ++shown;
    used += 6 * study.runs[i].stamps.offset_ns.size();
    places.push_back(i);
  }
  EXPECT_LE(used, all / 4);
  EXPECT_GT(shown, study.runs.size() / 6);
  EXPECT_TRUE(data["runs"][7].contains("gaps_us"));
  EXPECT_GT(places.back(), study.runs.size() / 2) << "evenly spaced";
}

TEST(RunsSection, ShowsATableAndTheAnswersWithoutAScript) {
  Study study = simulated::study({});
  study.runs[3].text = "An <answer>\nof two lines";
  const std::string section = runs_section(study, study.runs);
  EXPECT_THAT(section,
              HasSubstr("<summary>Answer of run 4</summary>\n<pre class=\"answer\">An &lt;answer&gt;\nof two lines</pre>"));
  EXPECT_THAT(section, HasSubstr("<th scope=\"row\">54</th>"));
}

}  // namespace
}  // namespace ifm
