#include "inferometer/record/plan.h"

#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "inferometer/base/error.h"
#include "inferometer/base/test_folder.h"
#include "inferometer/record/json_codec.h"

namespace ifm {
namespace {

const char* const kGood = R"(version: 1
name: edge-study
seed: 7
mode: [warm]
engines: [{embedded: {threads: 2, accuracy: fast}}]
models: [smollm2-135m]
prompts: [{id: question, text: "Why is the sky blue?"}]
max_tokens: [64, 128, 256]
temperature: [0.3, 0.7]
repeats: 3
warmup: 1
ignore_eos: true
timeouts: {connect_s: 5, first_token_s: 60, gap_s: 30}
)";

Plan parse(const std::string& yaml) { return parse_plan(yaml, "plan.yaml", std::filesystem::temp_directory_path()); }

/// The good plan with one line put in place of another.
std::string with(const std::string& line, const std::string& instead) {
  std::string yaml = kGood;
  const std::size_t at = yaml.find(line);
  EXPECT_NE(at, std::string::npos) << line;
  return yaml.replace(at, line.size(), instead);
}

std::string error_of(const std::string& yaml) {
  try {
    (void)parse(yaml);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage) << error.message();
    EXPECT_EQ(error.message().find('\n'), std::string::npos) << error.message();
    return error.message();
  }
  return "accepted";
}

TEST(Plan, ReadsWhenToStop) {
  const Plan plan = parse(with("repeats: 3", "stop: {half_width: 2%, of: decode, min_runs: 15, max_runs: 60, max_time_s: 600}"));
  ASSERT_TRUE(plan.stop);
  EXPECT_EQ(*plan.stop, (PlanStop{.half_width = 0.02, .of = "decode", .min_runs = 15, .max_runs = 60, .max_time_s = 600}));
  EXPECT_EQ(plan.repeats, 60) << "as many blocks are planned";
  EXPECT_EQ(plan_from_json(plan_to_json(plan)).stop, plan.stop);
  EXPECT_DOUBLE_EQ(parse(with("repeats: 3", "stop: {half_width: 0.005}")).stop->half_width, 0.005);
  EXPECT_FALSE(parse(kGood).stop);
}

TEST(Plan, RefusesAStopThatWouldLookTooEarlyOrTwice) {
  EXPECT_NE(error_of(with("repeats: 3", "stop: {half_width: 1%, min_runs: 9}")).find("min_runs"), std::string::npos);
  EXPECT_NE(error_of(with("repeats: 3", "stop: {half_width: 1%, min_runs: 20, max_runs: 19}")).find("max_runs"),
            std::string::npos);
  EXPECT_NE(error_of(with("repeats: 3", "repeats: 3\nstop: {half_width: 1%}")).find("repeats"), std::string::npos);
  EXPECT_NE(error_of(with("repeats: 3", "stop: {half_width: 0%}")).find("half_width"), std::string::npos);
  EXPECT_NE(error_of(with("repeats: 3", "stop: {half_width: 1%, of: speed}")).find("stop.of"), std::string::npos);
  EXPECT_NE(error_of(with("repeats: 3", "stop: {of: decode}")).find("half_width"), std::string::npos);
}

TEST(Plan, ReadsTheDesignsExample) {
  const Plan plan = parse(kGood);
  EXPECT_EQ(plan.name, "edge-study");
  EXPECT_EQ(plan.seed, 7U);
  EXPECT_EQ(plan.modes, std::vector<Mode>{Mode::warm});
  ASSERT_EQ(plan.engines.size(), 1U);
  EXPECT_EQ(plan.engines[0].id, "embedded");
  EXPECT_EQ(plan.engines[0].threads, 2);
  EXPECT_EQ(plan.max_tokens, (std::vector<int>{64, 128, 256}));
  EXPECT_EQ(plan.temperatures, (std::vector<double>{0.3, 0.7}));
  EXPECT_TRUE(plan.ignore_eos);
  EXPECT_EQ(plan.timeouts.first_token_s, 60);
  EXPECT_EQ(plan.source, kGood);
  EXPECT_EQ(plan.hash.size(), 64U);
}

TEST(Plan, ExpandsCellsInTheOrderOfItsListsTheLastFastest) {
  const std::vector<Cell> cells = expand_cells(parse(with("mode: [warm]", "mode: both")));
  ASSERT_EQ(cells.size(), 12U);
  EXPECT_EQ(cells[0], (Cell{.index = 0, .mode = Mode::warm, .max_tokens = 64, .temperature = 0.3}));
  EXPECT_EQ(cells[1], (Cell{.index = 1, .mode = Mode::warm, .max_tokens = 64, .temperature = 0.7}));
  EXPECT_EQ(cells[2], (Cell{.index = 2, .mode = Mode::warm, .max_tokens = 128, .temperature = 0.3}));
  EXPECT_EQ(cells[11], (Cell{.index = 11, .mode = Mode::cold, .max_tokens = 256, .temperature = 0.7}));
}

TEST(Plan, NamesEnginesOfOneKindByWhatDiffers) {
  const Plan plan = parse(
      with("[{embedded: {threads: 2, accuracy: fast}}]", "[embedded, {embedded: {accuracy: exact}}, {simulated: {gap_ms: 5}}]"));
  ASSERT_EQ(plan.engines.size(), 3U);
  EXPECT_EQ(plan.engines[0].id, "embedded");
  EXPECT_EQ(plan.engines[1].id, "embedded(accuracy=exact)");
  EXPECT_EQ(plan.engines[2].id, "simulated");
  EXPECT_EQ(plan.engines[2].simulated, (std::vector<std::pair<std::string, double>>{{"gap_ms", 5.0}}));
}

TEST(Plan, NamesAnEngineThatSpeculatesEvenWhenItIsAlone) {
  const Plan plan = parse(with("[{embedded: {threads: 2, accuracy: fast}}]", "[{embedded: {speculate: lookup}}]"));
  EXPECT_EQ(plan.engines.at(0).speculate, "lookup");
  EXPECT_EQ(plan.engines.at(0).id, "embedded(speculate=lookup)");
  EXPECT_EQ(plan_from_json(plan_to_json(plan)).engines.at(0).speculate, "lookup");
}

struct BadPlan {
  std::string name;
  std::string line;
  std::string instead;
  std::string message;  ///< how it begins
};

class PlanRefuses : public testing::TestWithParam<BadPlan> {};

TEST_P(PlanRefuses, NamingFileLineAndField) {
  const BadPlan& bad = GetParam();
  const std::string message = error_of(with(bad.line, bad.instead));
  EXPECT_EQ(message.substr(0, bad.message.size()), bad.message) << message;
}

INSTANTIATE_TEST_SUITE_P(
    Faults, PlanRefuses,
    testing::Values(
        BadPlan{"Fault55_UnknownKey", "repeats: 3", "repeat: 3",
                "plan.yaml:10: repeat: unknown key (expected repeats, got \"repeat\")"},
        BadPlan{"Fault55_UnknownNestedKey", "gap_s: 30", "gaps_s: 30",
                "plan.yaml:13: timeouts.gaps_s: unknown key (expected gap_s, got \"gaps_s\")"},
        BadPlan{"Fault55_UnknownEngineOption", "threads: 2", "thread: 2", "plan.yaml:5: engines[0].embedded.thread: unknown key"},
        BadPlan{"Fault55_MergeKey", "seed: 7", "<<: {seed: 7}", "plan.yaml:3: <<: unknown key"},
        BadPlan{"Fault55_DuplicateKey", "seed: 7", "name: again",
                "plan.yaml:3: \"name\": the key stands here twice (expected once, got it on line 2 before)"},
        BadPlan{"Fault56_Octal", "[64, 128, 256]", "[012]",
                "plan.yaml:8: max_tokens[0]: out of range (expected a whole number from 1 to 1000000, got \"012\")"},
        BadPlan{"Fault56_Sexagesimal", "[64, 128, 256]", "[1:30]", "plan.yaml:8: max_tokens[0]: out of range"},
        BadPlan{"Fault56_QuotedNumber", "repeats: 3", "repeats: '3'",
                "plan.yaml:10: repeats: out of range (expected a whole number from 1 to "
                "10000, got the text \"3\")"},
        BadPlan{"Fault56_Hexadecimal", "repeats: 3", "repeats: 0x3", "plan.yaml:10: repeats: out of range"},
        BadPlan{"Fault56_Underscore", "repeats: 3", "repeats: 1_0", "plan.yaml:10: repeats: out of range"},
        BadPlan{"Fault56_NoForABoolean", "ignore_eos: true", "ignore_eos: no",
                "plan.yaml:12: ignore_eos: not a yes or no (expected true or false, got \"no\")"},
        BadPlan{"Fault58_RepeatsZero", "repeats: 3", "repeats: 0", "plan.yaml:10: repeats: out of range"},
        BadPlan{"Fault58_RepeatsNegative", "repeats: 3", "repeats: -1", "plan.yaml:10: repeats: out of range"},
        BadPlan{"Fault58_RepeatsNan", "repeats: 3", "repeats: .nan", "plan.yaml:10: repeats: out of range"},
        BadPlan{"Fault58_RepeatsFraction", "repeats: 3", "repeats: 3.0", "plan.yaml:10: repeats: out of range"},
        BadPlan{"TemperatureInfinite", "[0.3, 0.7]", "[1e400]", "plan.yaml:9: temperature[0]: out of range"},
        BadPlan{"TemperatureNegative", "[0.3, 0.7]", "[-0.1]", "plan.yaml:9: temperature[0]: out of range"},
        BadPlan{"Fault57_NoCells", "[64, 128, 256]", "[]", "plan.yaml:8: max_tokens: an empty list makes 0 cells"},
        BadPlan{"Fault59_IdenticalCells", "[0.3, 0.7]", "[0.3, 0.30]", "plan.yaml:9: temperature[1]: 0.3 stands twice"},
        BadPlan{"Fault59_IdenticalModes", "[warm]", "[both, cold]", "plan.yaml:4: mode[1]: cold stands twice"},
        BadPlan{"Fault59_IdenticalEngines", "[{embedded: {threads: 2, accuracy: fast}}]",
                "[embedded, {embedded: {accuracy: fast}}]", "plan.yaml:5: engines[1]: the same engine"},
        BadPlan{"UnknownEngine", "[{embedded: {threads: 2, accuracy: fast}}]", "[embeded]",
                "plan.yaml:5: engines[0]: unknown engine (expected embedded, got \"embeded\")"},
        BadPlan{"MissingPromptFile", "text: \"Why is the sky blue?\"", "file: no/such/file.txt",
                "plan.yaml:7: prompts[0].file: cannot read the prompt: "},
        BadPlan{"PromptIsAFolder", "text: \"Why is the sky blue?\"", "file: .",
                "plan.yaml:7: prompts[0].file: cannot read the prompt: "},
        BadPlan{"PromptWithoutWords", ", text: \"Why is the sky blue?\"", "",
                "plan.yaml:7: prompts[0]: a prompt has its words in one place "},
        BadPlan{"MissingKey", "models: [smollm2-135m]\n", "", "plan.yaml:1: models: missing"},
        BadPlan{"NewerVersion", "version: 1", "version: 2", "plan.yaml:1: version: out of range"},
        BadPlan{"NullForText", "name: edge-study", "name: ~", "plan.yaml:2: name: not text (expected text, got nothing)"},
        BadPlan{"Fault54_Anchor", "seed: 7", "seed: &x 7", "plan.yaml:3: anchors and aliases are not read"},
        BadPlan{"Tag", "seed: 7", "seed: !!int 7", "plan.yaml:3: tags are not read"},
        BadPlan{"SecondDocument", "seed: 7", "seed: 7\n---\nx: 1", "plan.yaml:"},
        BadPlan{"BrokenYaml", "mode: [warm]", "mode: [warm", "plan.yaml:"},
        BadPlan{"Tab", "mode: [warm]", "\tmode: [warm]", "plan.yaml:"},
        BadPlan{"BrokenUtf8", "name: edge-study", "name: \xff", "plan.yaml:2: not UTF-8 text"},
        BadPlan{"ColdWarmup", "mode: [warm]", "mode: cold", "plan.yaml:11: warmup: a cold run cannot be warmed up"}),
    [](const auto& row) { return row.param.name; });

TEST(Plan, Fault56WordsThatOtherReadersCoerceStayText) {
  EXPECT_EQ(parse(with("name: edge-study", "name: no")).name, "no");
  EXPECT_EQ(parse(with("name: edge-study", "name: 012")).name, "012");
  EXPECT_EQ(parse(with("name: edge-study", "name: 1:30")).name, "1:30");
}

TEST(Plan, Fault57MoreThan100000CellsAreRefused) {
  std::string list;
  for (int i = 1; i <= 400; ++i) list += (i == 1 ? "" : ", ") + std::to_string(i);
  std::string temperatures;
  for (int i = 0; i < 100; ++i) temperatures += (i == 0 ? "0.00" : ", 0." + std::to_string(i + 100));
  std::string three = "[";
  for (const char* id : {"a", "b", "c"}) three += std::string(three.size() > 1 ? ", " : "") + "{id: " + id + ", text: x}";
  std::string big = with("[64, 128, 256]", "[" + list + "]");
  big.replace(big.find("[0.3, 0.7]"), 10, "[" + temperatures + "]");
  big.replace(big.find("[{id"), big.find("]\nmax") - big.find("[{id"), three);
  EXPECT_EQ(error_of(big), "plan.yaml:1: plan: too many cells (expected at most 100000, got 120000 or more)");
}

TEST(Plan, Fault54DepthAliasBombAndSizeAreRefused) {
  EXPECT_NE(error_of("a: " + std::string(10'000, '[')).find("nested too deep"), std::string::npos);
  EXPECT_NE(error_of(std::string(10'000, '{')).find("nested too deep"), std::string::npos);
  EXPECT_NE(error_of("a: &a [x,x]\nb: &b [*a,*a]\n").find("anchors"), std::string::npos);
  EXPECT_NE(error_of(std::string((1 << 20) + 1, '#')).find("too large"), std::string::npos);
  EXPECT_NE(error_of("").find("empty"), std::string::npos);
  EXPECT_NE(error_of("- a\n- b\n").find("not a mapping"), std::string::npos);
}

TEST(Plan, EveryTruncatedPrefixIsReadOrRefusedInOneLine) {
  const std::string good = kGood;
  int accepted = 0;
  for (std::size_t size = 0; size < good.size(); ++size) {
    if (error_of(good.substr(0, size)) == "accepted") ++accepted;
  }
  EXPECT_LT(accepted, 130);  // only cuts past the last key that must be there can be read
}

TEST(Plan, HashCoversPromptFiles) {
  const test::TempFolder folder;
  const std::string yaml = with("text: \"Why is the sky blue?\"", "file: p.txt");
  (void)folder.write("p.txt", "one");
  const Plan one = parse_plan(yaml, "plan.yaml", folder.path());
  (void)folder.write("p.txt", "two");
  const Plan two = parse_plan(yaml, "plan.yaml", folder.path());
  EXPECT_EQ(one.prompts[0].text, "one");
  EXPECT_EQ(one.source, two.source);
  EXPECT_NE(one.hash, two.hash);
}

TEST(Plan, MissingFileIsNotFound) {
  try {
    (void)read_plan("/nonexistent/plan.yaml");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::not_found);
  }
}

}  // namespace
}  // namespace ifm
