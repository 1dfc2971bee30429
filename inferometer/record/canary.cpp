#include "inferometer/record/canary.h"

#include <algorithm>
#include <cmath>
#include <optional>

namespace ifm {
namespace {

std::optional<double> median_of(const std::vector<BlockRecord>& blocks, std::optional<int64_t> BlockRecord::*value) {
  std::vector<double> values;
  for (const BlockRecord& block : blocks) {
    if (block.*value) values.push_back(static_cast<double>(*(block.*value)));
  }
  if (values.empty()) return std::nullopt;
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

std::optional<double> ratio_of(const std::optional<int64_t>& value, const std::optional<double>& median) {
  if (!value || !median || *median <= 0) return std::nullopt;
  return static_cast<double>(*value) / *median;
}

/// The last record of the run's block that began at or before the run.
const BlockRecord* block_of(const Run& run, const std::vector<BlockRecord>& blocks) {
  const BlockRecord* best = nullptr;
  for (const BlockRecord& block : blocks) {
    if (block.block == run.block && block.first_order <= run.order) best = &block;
  }
  return best;
}

}  // namespace

void apply_canary(std::vector<Run>& runs, const std::vector<BlockRecord>& blocks) {
  const auto compute_median = median_of(blocks, &BlockRecord::canary_compute_ns);
  const auto read_median = median_of(blocks, &BlockRecord::canary_read_ns);
  for (Run& run : runs) {
    const BlockRecord* block = block_of(run, blocks);
    if (block == nullptr || run.canary_ratio) continue;
    const auto compute = ratio_of(block->canary_compute_ns, compute_median);
    const auto read = ratio_of(block->canary_read_ns, read_median);
    run.canary_ratio = compute ? compute : read;
    if (compute && read && std::fabs(*read - 1) > std::fabs(*compute - 1)) run.canary_ratio = read;
    if (run.canary_ratio && std::fabs(*run.canary_ratio - 1) > kCanaryTolerance) run.flags.emplace_back("canary");
  }
}

}  // namespace ifm
