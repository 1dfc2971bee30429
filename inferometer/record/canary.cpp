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

}  // namespace

CanaryRatios::CanaryRatios(const std::vector<BlockRecord>& blocks) {
  const auto compute_median = median_of(blocks, &BlockRecord::canary_compute_ns);
  const auto read_median = median_of(blocks, &BlockRecord::canary_read_ns);
  for (const BlockRecord& block : blocks) {
    const auto compute = ratio_of(block.canary_compute_ns, compute_median);
    const auto read = ratio_of(block.canary_read_ns, read_median);
    const bool read_farther = compute && read && std::fabs(*read - 1) > std::fabs(*compute - 1);
    blocks_[block.block].push_back({block.first_order, !compute || read_farther ? read : compute});
  }
}

void CanaryRatios::apply(Run& run) const {
  const auto parts = blocks_.find(run.block);
  if (parts == blocks_.end() || run.canary_ratio) return;
  // The last record that began at or before the run.
  const auto part = std::find_if(parts->second.rbegin(), parts->second.rend(),
                                 [&](const Part& candidate) { return candidate.first_order <= run.order; });
  if (part == parts->second.rend()) return;
  run.canary_ratio = part->ratio;
  if (run.canary_ratio && std::fabs(*run.canary_ratio - 1) > kCanaryTolerance) run.flags.emplace_back("canary");
}

}  // namespace ifm
