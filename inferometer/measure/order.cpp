#include "inferometer/measure/order.h"

#include <algorithm>
#include <numeric>
#include <tuple>
#include <utility>

#include "inferometer/base/rng.h"

namespace ifm {
namespace {

/// Fisher and Yates; by hand because std::shuffle differs between libraries.
template <typename T>
void shuffle(std::vector<T>& items, Rng& rng) {
  for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[rng.below(i)]);
}

/// Cell indices by (mode, engine, model), in the plan's order.
std::vector<std::vector<int>> groups_of(const std::vector<Cell>& cells) {
  const auto key = [](const Cell& cell) { return std::tuple(cell.mode, cell.engine, cell.model); };
  std::vector<std::vector<int>> groups;
  std::vector<std::tuple<Mode, int, int>> keys;
  for (const Cell& cell : cells) {
    const auto at = std::find(keys.begin(), keys.end(), key(cell));
    if (at == keys.end()) {
      keys.push_back(key(cell));
      groups.push_back({cell.index});
    } else {
      groups[static_cast<std::size_t>(at - keys.begin())].push_back(cell.index);
    }
  }
  return groups;
}

}  // namespace

std::vector<std::vector<PlannedRun>> plan_order(const std::vector<Cell>& cells, int repeats, uint64_t order_seed) {
  Rng rng(order_seed);
  std::vector<std::vector<int>> groups = groups_of(cells);
  std::vector<std::vector<PlannedRun>> blocks;
  for (int repeat = 0; repeat < repeats; ++repeat) {
    if (repeat % 2 == 0) {
      shuffle(groups, rng);
    } else {
      std::reverse(groups.begin(), groups.end());
    }
    std::vector<PlannedRun> block;
    for (std::vector<int>& group : groups) {
      shuffle(group, rng);
      for (const int cell : group) block.push_back({cell, repeat});
    }
    blocks.push_back(std::move(block));
  }
  return blocks;
}

std::vector<std::vector<PlannedRun>> plan_pairs(const std::vector<Cell>& cells, int repeats, int pairs, uint64_t order_seed) {
  Rng rng(order_seed);
  const std::vector<std::vector<int>> sides = groups_of(cells);  // the same cells in the same order, for two engines
  std::vector<std::vector<PlannedRun>> blocks;
  bool b_first = false;
  for (int pair = 0; pair < pairs; ++pair) {
    b_first = pair % 2 == 0 ? rng.below(2) == 1 : !b_first;
    std::vector<PlannedRun> block;
    std::vector<std::size_t> positions(sides.front().size());  // in a side
    std::iota(positions.begin(), positions.end(), std::size_t{0});
    for (int repeat = 0; repeat < repeats; ++repeat) {
      shuffle(positions, rng);
      const bool reversed = b_first != (repeat % 2 == 1);
      for (std::size_t turn = 0; turn < sides.size(); ++turn) {
        const std::vector<int>& side = sides[reversed ? sides.size() - 1 - turn : turn];
        for (const std::size_t position : positions) block.push_back({side[position], pair * repeats + repeat});
      }
    }
    blocks.push_back(std::move(block));
  }
  return blocks;
}

uint64_t order_seed_of(const Plan& plan) { return run_seed(plan.seed, -1, -1); }

uint64_t run_seed(uint64_t plan_seed, int cell, int repeat) {
  uint64_t state = plan_seed;
  state = splitmix64(state) + static_cast<uint64_t>(int64_t{cell});
  state = splitmix64(state) + static_cast<uint64_t>(int64_t{repeat});
  return splitmix64(state) >> 11U;
}

}  // namespace ifm
