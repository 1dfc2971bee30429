#include "inferometer/cli/run_progress.h"

#include <gtest/gtest.h>

namespace ifm {
namespace {

ifm::Run run_of(const std::string& engine, double decode_tok_per_s) {
  ifm::Run run{.engine = engine, .model = "m"};
  run.metrics.decode_tok_per_s = decode_tok_per_s;
  return run;
}

TEST(RunTally, IsEmptyBeforeTheFirstRun) { EXPECT_EQ(RunTally().text(run_of("embedded", 100)), ""); }

TEST(RunTally, GivesAnIntervalOnceThereAreSixRunsOfASeries) {
  RunTally tally;
  for (int i = 0; i < 5; ++i) tally.add(run_of("embedded", 100 + i));
  tally.add(run_of("mlx", 7));
  EXPECT_EQ(tally.text(run_of("embedded", 0)), "decode 102 tok/s");
  tally.add(run_of("embedded", 106));
  // scipy 1.15.3: x = [100, 101, 102, 103, 104, 106]; t.interval(0.95, 5, mean(x), sem(x)) = 100.40, 104.93
  EXPECT_EQ(tally.text(run_of("embedded", 0)), "decode 103 [100, 105] tok/s");
  EXPECT_EQ(tally.text(run_of("mlx", 0)), "decode 7.00 tok/s");
}

TEST(RunTally, CountsFlaggedAndFailedRunsOfAllSeries) {
  RunTally tally;
  ifm::Run flagged = run_of("embedded", 100);
  flagged.flags = {"canary", "steal"};
  tally.add(flagged);
  ifm::Run failed = run_of("mlx", 0);
  failed.metrics = {};
  failed.status = RunStatus::failed;
  tally.add(failed);
  EXPECT_EQ(tally.text(failed), "1 flagged, 1 failed");
  EXPECT_EQ(tally.text(flagged), "decode 100 tok/s, 1 flagged, 1 failed");
}

}  // namespace
}  // namespace ifm
