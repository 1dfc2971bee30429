#include "inferometer/measure/order.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace ifm {
namespace {

Plan plan_of(int engines, int repeats) {
  Plan plan;
  plan.engines.clear();
  for (int i = 0; i < engines; ++i) plan.engines.push_back({.id = fmt::format("e{}", i), .kind = "simulated"});
  plan.models = {"m"};
  plan.prompts = {{.id = "p", .text = "x"}, {.id = "q", .text = "y"}};
  plan.max_tokens = {1, 2, 3};
  plan.temperatures = {0.3, 0.7};
  plan.repeats = repeats;
  return plan;
}

TEST(Order, EachBlockHasEachCellOnce) {
  const Plan plan = plan_of(3, 5);
  const auto cells = expand_cells(plan);
  const auto blocks = plan_order(cells, plan.repeats, order_seed_of(plan));
  ASSERT_EQ(blocks.size(), 5U);
  for (std::size_t block = 0; block < blocks.size(); ++block) {
    std::set<int> seen;
    for (const PlannedRun& run : blocks[block]) {
      EXPECT_EQ(run.repeat, static_cast<int>(block));
      seen.insert(run.cell);
    }
    EXPECT_EQ(seen.size(), cells.size());
    EXPECT_EQ(blocks[block].size(), cells.size());
  }
}

TEST(Order, SameSeedSameOrderAnotherSeedAnother) {
  const auto cells = expand_cells(plan_of(2, 4));
  EXPECT_EQ(plan_order(cells, 4, 7), plan_order(cells, 4, 7));
  EXPECT_NE(plan_order(cells, 4, 7), plan_order(cells, 4, 8));
}

TEST(Order, IsFixedOnEveryPlatform) {
  // Expected: SplitMix64, xoshiro256** and Fisher-Yates written anew in Python 3.11 from their papers.
  const auto cells = expand_cells(plan_of(1, 1));
  std::vector<int> order;
  const auto blocks = plan_order(cells, 1, 1);
  for (const PlannedRun& run : blocks.front()) order.push_back(run.cell);
  EXPECT_EQ(order, (std::vector<int>{9, 5, 10, 11, 4, 2, 6, 3, 8, 0, 7, 1}));
  EXPECT_EQ(run_seed(1, 0, 0), 6246602021646768U);
}

TEST(Order, EveryCellStandsAtEveryPlaceAlikeOften) {
  // 12 cells over 2400 blocks: each at each place 200 times on average, sd sqrt(200 * 11/12) = 13.5; five sd cover 144 counts.
  const Plan plan = plan_of(1, 2400);
  const auto cells = expand_cells(plan);
  std::map<std::pair<int, std::size_t>, int> counts;
  for (const auto& block : plan_order(cells, plan.repeats, 3)) {
    for (std::size_t place = 0; place < block.size(); ++place) ++counts[{block[place].cell, place}];
  }
  EXPECT_EQ(counts.size(), 144U);
  for (const auto& [where, count] : counts) EXPECT_NEAR(count, 200, 5 * std::sqrt(200.0 * 11 / 12));
}

TEST(Order, EnginesStandTogetherAndAlternateAbBa) {
  const Plan plan = plan_of(2, 6);
  const auto cells = expand_cells(plan);
  const auto blocks = plan_order(cells, plan.repeats, 5);
  std::vector<int> first;
  for (const auto& block : blocks) {
    std::vector<int> engines;
    for (const PlannedRun& run : block) {
      const int engine = cells[static_cast<std::size_t>(run.cell)].engine;
      if (engines.empty() || engines.back() != engine) engines.push_back(engine);
    }
    ASSERT_EQ(engines.size(), 2U);
    first.push_back(engines[0]);
  }
  for (std::size_t i = 0; i < first.size(); i += 2) EXPECT_NE(first[i], first[i + 1]);
}

TEST(RunSeed, DiffersByPlanCellAndRepeatAndFitsADouble) {
  std::set<uint64_t> seeds;
  for (uint64_t plan = 0; plan < 5; ++plan) {
    for (int cell = -1; cell < 20; ++cell) {
      for (int repeat = -3; repeat < 20; ++repeat) seeds.insert(run_seed(plan, cell, repeat));
    }
  }
  EXPECT_EQ(seeds.size(), 5U * 21 * 23);
  EXPECT_LT(*seeds.rbegin(), uint64_t{1} << 53U);
}

}  // namespace
}  // namespace ifm
