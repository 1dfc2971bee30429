#include "inferometer/stats/sorted_parts.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <utility>

#include "inferometer/base/check.h"

namespace ifm::stats {
namespace {

constexpr uint64_t kSign = uint64_t{1} << 63U;

/// Doubles in their order as whole numbers in theirs.
uint64_t place_of(double x) {
  const auto bits = std::bit_cast<uint64_t>(x);
  return (bits & kSign) != 0 ? ~bits : bits | kSign;
}

double double_at(uint64_t place) { return std::bit_cast<double>((place & kSign) != 0 ? place & ~kSign : ~place); }

}  // namespace

double first_double(double low, double high, const std::function<bool(double)>& enough) {
  uint64_t below = place_of(low + 0.0);  // −0 counts as 0
  uint64_t above = place_of(high + 0.0);
  while (below < above) {
    const uint64_t middle = below + (above - below) / 2;
    if (enough(double_at(middle))) {
      above = middle;
    } else {
      below = middle + 1;
    }
  }
  return double_at(above);
}

SortedParts::SortedParts(std::vector<std::span<const double>> parts) : parts_(std::move(parts)) {
  std::erase_if(parts_, [](const auto& part) { return part.empty(); });
  for (const auto& part : parts_) size_ += part.size();
}

double SortedParts::at(size_t rank) const {
  IFM_CHECK(rank < size_);
  if (parts_.size() == 1) return parts_[0][rank];
  double low = parts_[0].front();
  double high = parts_[0].back();
  for (const auto& part : parts_) {
    low = std::min(low, part.front());
    high = std::max(high, part.back());
  }
  return first_double(low, high, [&](double x) {
    size_t not_above = 0;
    for (const auto& part : parts_) {
      not_above += static_cast<size_t>(std::upper_bound(part.begin(), part.end(), x) - part.begin());
    }
    return not_above > rank;
  });
}

std::optional<double> SortedParts::quantile(double p) const {
  if (size_ == 0) return std::nullopt;
  const double position = std::clamp(p, 0.0, 1.0) * static_cast<double>(size_ - 1);
  const auto below = static_cast<size_t>(std::floor(position));
  const double low = at(below);
  const double high = at(std::min(below + 1, size_ - 1));
  return low + (position - std::floor(position)) * (high - low);
}

}  // namespace ifm::stats
