#include "inferometer/measure/early_stop.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "inferometer/base/rng.h"

namespace ifm {
namespace {

/// Blocks of three cells whose latencies have this relative spread; returns after how many the session ends.
int blocks_until_end(const PlanStop& stop, double spread, const std::string& failing = "") {
  const std::vector<std::string> engines{"A", "B"};
  EarlyStop early(stop);
  Rng rng(1);
  int order = 0;
  for (int block = 1; block <= stop.max_runs; ++block) {
    for (const std::string& engine : engines) {
      for (int cell = 0; cell < 3; ++cell) {
        ifm::Run run;
        run.engine = engine;
        run.cell = cell;
        run.start_ns = int64_t{1'000'000'000} * order++;
        run.metrics.e2e_s = (1 + cell) * (1 + spread * (rng.uniform() - 0.5));
        if (engine == failing) run.status = RunStatus::failed;
        early.add(run);
      }
    }
    if (early.ends_after(block, int64_t{1'000'000'000} * order)) return block;
  }
  return stop.max_runs;
}

TEST(EarlyStop, EndsAtALookOnceTheMeanIsKnownAndNotBefore) {
  const PlanStop stop{.half_width = 0.01, .min_runs = 10, .max_runs = 200};
  EXPECT_EQ(blocks_until_end(stop, 0.001), 15) << "known at 10, and still at the next look";
  const int noisy = blocks_until_end(stop, 0.2);
  EXPECT_GT(noisy, 15);
  EXPECT_LT(noisy, 200);
  const std::vector<int> looks = stats::looks({.half_width = 0.01, .min_runs = 10, .max_runs = 200});
  EXPECT_NE(std::find(looks.begin(), looks.end(), noisy), looks.end()) << noisy;
}

TEST(EarlyStop, EverySeriesMustBeKnown) {
  EXPECT_EQ(blocks_until_end({.half_width = 0.01, .min_runs = 10, .max_runs = 40}, 0.001, "B"), 40);
}

TEST(EarlyStop, TimeEndsASessionBetweenLooksToo) {
  // Six runs of a second in a block.
  EXPECT_EQ(blocks_until_end({.half_width = 1e-5, .min_runs = 10, .max_runs = 100, .max_time_s = 100}, 0.2), 17);
}

}  // namespace
}  // namespace ifm
