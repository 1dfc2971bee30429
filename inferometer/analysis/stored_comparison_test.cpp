#include "inferometer/analysis/stored_comparison.h"

#include <cmath>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "inferometer/analysis/simulated_runs.h"
#include "inferometer/base/error.h"

namespace ifm {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

/// A session of two engines, each run `luck` apart; engine B takes `ratio` times as long.
struct Stored {
  Session session;
  std::vector<ifm::Run> runs;

  explicit Stored(double ratio, int64_t id = 1) {
    const simulated::Design design{
        .engines = {"A", "B"}, .prompts = {"p"}, .max_tokens = {8, 16}, .temperatures = {0}, .repeats = 6};
    session = simulated::session_of(design);
    session.id = id;
    session.started_utc = fmt::format("2026-01-0{}T00:00:00Z", id);
    session.environment.cpu = "one";
    Rng rng(static_cast<uint64_t>(id));
    for (int repeat = 0; repeat < 6; ++repeat) {
      for (const char* engine : {"A", "B"}) {
        for (const int tokens : {8, 16}) add(engine, tokens, repeat, (engine[0] == 'B' ? ratio : 1) * (1 + 0.01 * rng.uniform()));
      }
    }
  }

  void add(const char* engine, int tokens, int repeat, double factor) {
    ifm::Run run{.order = static_cast<int>(runs.size()), .block = repeat, .repeat = repeat};
    run.engine = engine;
    run.model = session.plan.models.front();
    run.prompt = session.plan.prompts.front().id;
    run.max_tokens = tokens;
    run.output_tokens = tokens;
    run.ids_hash = "same";
    simulated::play(run, {.ttft_s = 0.1 * factor, .gap_s = 0.01 * factor});
    run.metrics = metrics_of(run);
    runs.push_back(run);
  }

  [[nodiscard]] StoredSide side(const char* engine) const { return {session, runs, engine}; }
};

TEST(CompareStored, GivesEffectsOfCellsAndNoVerdict) {
  const Stored stored(1.2);
  const ComparisonReport report = compare_stored(stored.side("A"), stored.side("B"), {"latency", "tpot"});
  EXPECT_EQ(report.design, ComparedDesign::sessions);
  ASSERT_EQ(report.cells.size(), 4U);
  for (const ComparedCell& cell : report.cells) {
    EXPECT_EQ(cell.runs_a, 6);
    EXPECT_NEAR(std::expm1(cell.effect.effect), 0.2, 0.01);
    ASSERT_TRUE(cell.effect.ci95);
    EXPECT_LT(cell.effect.ci95->low, cell.effect.effect);
  }
  ASSERT_THAT(report.incomparable, SizeIs(1)) << "one process each is the only reason";
  EXPECT_THAT(report.incomparable[0], HasSubstr("each side of session 1 is one process"));
  EXPECT_EQ(report.same_ids, true);
}

TEST(CompareStored, SaysWhatElseDiffersBetweenSessions) {
  const Stored monday(1, 1);
  Stored friday(1, 2);
  EXPECT_THAT(compare_stored(monday.side("A"), friday.side("A"), {"latency"}).incomparable,
              testing::ElementsAre(HasSubstr("2026-01-01T00:00:00Z and 2026-01-02T00:00:00Z ran one after the other")));
  friday.session.environment.cpu = "another";
  friday.session.plan.prompts[0].text = "other words";
  friday.session.plan.modes = {Mode::cold};
  for (ifm::Run& run : friday.runs) run.output_tokens = 7;
  const auto why = compare_stored(monday.side("A"), friday.side("A"), {"latency"}).incomparable;
  EXPECT_THAT(why, Contains(HasSubstr("another machine: processor one and another")));
  EXPECT_THAT(why, Contains(HasSubstr("prompt p: the sides have different texts")));
  EXPECT_THAT(why, Contains(HasSubstr("different modes")));
  EXPECT_THAT(why, Contains(HasSubstr("different numbers of tokens (8 and 7)")));
}

TEST(CompareStored, ACellOfOneSideOnlyHasNoEffect) {
  const Stored a(1, 1);
  Stored b(1, 2);
  std::erase_if(b.runs, [](const ifm::Run& run) { return run.max_tokens == 8; });
  for (ifm::Run& run : b.runs) run.status = RunStatus::failed;
  const ComparisonReport report = compare_stored(a.side("A"), b.side("A"), {"latency"});
  EXPECT_TRUE(report.cells.empty());
  EXPECT_THAT(report.incomparable, SizeIs(3));
}

TEST(StoredEngine, MustBePlain) {
  const Stored stored(1);
  EXPECT_EQ(stored_engine(stored.session, "B"), "B");
  EXPECT_THROW((void)stored_engine(stored.session, ""), Error) << "two to choose from";
  EXPECT_THROW((void)stored_engine(stored.session, "C"), Error);
  Session several = stored.session;
  several.plan.models.emplace_back("another");
  EXPECT_THROW((void)stored_engine(several, "A"), Error);
}

}  // namespace
}  // namespace ifm
