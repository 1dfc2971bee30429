#pragma once

#include <cstdint>
#include <vector>

#include "inferometer/record/plan.h"

namespace ifm {

/// A run that is to be done: its cell, and which repeat of it.
struct PlannedRun {
  int cell = 0;
  int repeat = 0;
  [[nodiscard]] bool operator==(const PlannedRun&) const = default;
};

/// Blocks in the order of execution. A block is one repeat of every cell. Within a block the cells of one (mode, engine, model)
/// stand together, so that an engine is not changed after every run; their order, and that of the groups, is shuffled with
/// `order_seed`. Every second block has the groups in the reverse order of the block before (AB, BA), so that neighbours stand
/// next to each other and neither side is always first. The same seed gives the same order on every machine.
[[nodiscard]] std::vector<std::vector<PlannedRun>> plan_order(const std::vector<Cell>& cells, int repeats, uint64_t order_seed);

/// The same for a comparison of two engines: a block is a pair of processes that take turns, each of which is every cell once, in
/// the same shuffled order on both sides: AB BA AB …, `repeats` turns each, so that what changes slowly meets both sides alike.
/// Which side is first is drawn, and balanced in each two pairs.
[[nodiscard]] std::vector<std::vector<PlannedRun>> plan_pairs(const std::vector<Cell>& cells, int repeats, int pairs,
                                                              uint64_t order_seed);

/// The seed with which a session of this plan is shuffled.
[[nodiscard]] uint64_t order_seed_of(const Plan& plan);

/// hash(plan seed, cell, repeat): three steps of SplitMix64, each fed with the last step's output plus the next number. 53 bits,
/// so that a JSON reader with doubles sees it exactly. Warm-up run k of a cell has repeat -1 - k.
[[nodiscard]] uint64_t run_seed(uint64_t plan_seed, int cell, int repeat);

}  // namespace ifm
