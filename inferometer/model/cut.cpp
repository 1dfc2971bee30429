#include "inferometer/model/cut.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <span>

namespace ifm {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
/// So few values are sorted; of more, so many are sampled.
constexpr int64_t kSorted = 256;
/// Standard deviations of a place in the sample between that place and the bounds.
constexpr double kMargin = 2.5;

float next_above(float value) { return std::nextafter(value, kInfinity); }
float next_below(float value) { return std::nextafter(value, -kInfinity); }

}  // namespace

CutFinder::CutFinder(const Kernels& kernels, int64_t capacity) : kernels_(kernels), index_(static_cast<std::size_t>(capacity)) {
  for (std::vector<float>& buffer : buffers_) buffer.resize(static_cast<std::size_t>(capacity));
  sorted_.reserve(static_cast<std::size_t>(kSorted));
}

double CutFinder::weight_above(const Rest& rest, float bound) const {
  if (bound == kInfinity) return 0;
  return weight_ == Weight::one ? static_cast<double>(kernels_.count_above(rest.values, rest.n, bound))
                                : kernels_.sum_above(rest.values, rest.n, bound);
}

void CutFinder::sort_every(const Rest& rest, int64_t step) {
  sorted_.clear();
  for (int64_t i = 0; i < rest.n; i += step) sorted_.push_back(rest.values[i]);
  std::ranges::sort(sorted_, std::ranges::greater());
}

/// Values between which the cut probably lies, by its place in the sorted sample; margin 0: the one value at that place.
CutFinder::Bounds CutFinder::bracket(const Rest& rest, double margin) const {
  const double share = std::clamp(rest.need / rest.total, 0.0, 1.0);
  double total = 0;
  for (const float value : sorted_) total += weight_of(value);
  double sum = 0;
  double place = 0;
  for (const float value : sorted_) {
    sum += weight_of(value);
    if (sum >= share * total) break;
    ++place;
  }
  const auto size = static_cast<double>(sorted_.size());
  const double distance = margin * (1 + std::sqrt(size * share * (1 - share)));
  const auto at = [&](double i) { return sorted_[static_cast<std::size_t>(std::clamp(i, 0.0, size - 1))]; };
  return {margin > 0 && place + distance >= size ? -kInfinity : at(place + distance),
          margin > 0 && place < distance ? kInfinity : at(place - distance)};
}

/// A value that the cut does not lie below: smaller ones together weigh less than what the set may leave out.
float CutFinder::lightest_needed(const Rest& rest) const {
  const double spare = (rest.total - rest.need) / static_cast<double>(rest.n) * 0.999;
  const auto light = std::ranges::partition_point(sorted_, [&](float value) { return weight_of(value) >= spare; });
  return light == sorted_.end() ? -kInfinity : *light;
}

/// The values in [low, high], in the buffer that `rest` does not lie in; as much of them in the set.
CutFinder::Rest CutFinder::within(const Rest& rest, float low, float high) {
  std::vector<float>& buffer = rest.values == buffers_[0].data() ? buffers_[1] : buffers_[0];
  const int64_t count = kernels_.indices_within(rest.values, rest.n, low, high, index_.data());
  float* out = buffer.data();
  for (const int32_t i : std::span(index_).first(static_cast<std::size_t>(count))) *out++ = rest.values[i];
  Rest kept{buffer.data(), count, 0, rest.need};
  kept.total = weight_above(kept, -kInfinity);
  return kept;
}

/// The values on that side of the bounds, or between them, where the cut lies.
CutFinder::Rest CutFinder::narrowed(const Rest& rest, Bounds bounds) {
  const double above = weight_above(rest, bounds.high);
  if (above >= rest.need) return within(rest, next_above(bounds.high), kInfinity);
  Rest between = within(rest, bounds.low, bounds.high);
  between.need -= above;
  if (between.total >= between.need || bounds.low == -kInfinity) return between;
  const double from_low = above + between.total;
  Rest below = within(rest, -kInfinity, next_below(bounds.low));
  if (below.n == 0) {  // rounding: the sum of all stays below the need
    below = within(rest, bounds.low, bounds.high);
    below.need -= above;
    return below;
  }
  below.need -= from_low;
  return below;
}

/// The cut among values that are all the same.
Cut CutFinder::cut_of_equals(const Rest& rest) const {
  const double weight = weight_of(rest.values[0]);
  const double equals = weight > 0 ? std::ceil(rest.need / weight) : static_cast<double>(rest.n);
  return {rest.values[0], static_cast<int64_t>(std::clamp(equals, 1.0, static_cast<double>(rest.n)))};
}

Cut CutFinder::cut_of_sorted(const Rest& rest) {
  sort_every(rest, 1);
  double sum = 0;
  std::size_t last = 0;
  for (; last + 1 < sorted_.size(); ++last) {
    sum += weight_of(sorted_[last]);
    if (sum >= rest.need) break;
  }
  const auto first = std::ranges::find(sorted_, sorted_[last]) - sorted_.begin();
  return {sorted_[last], static_cast<int64_t>(last) - first + 1};
}

Cut CutFinder::find(const float* values, int64_t n, Weight weight, double total, double need) {
  weight_ = weight;
  Rest rest{values, n, total, need};
  double margin = kMargin;
  while (rest.n > kSorted) {
    const int64_t before = rest.n;
    sort_every(rest, (rest.n + kSorted - 1) / kSorted);
    Bounds bounds = bracket(rest, margin);
    const float needed = margin > 0 ? lightest_needed(rest) : -kInfinity;
    if (needed >= bounds.high) {
      rest = within(rest, needed, kInfinity);
    } else {
      bounds.low = std::max(bounds.low, needed);
      rest = narrowed(rest, bounds);
      if (bounds.low == bounds.high && rest.values[0] == bounds.low) return cut_of_equals(rest);
    }
    margin = rest.n == before ? 0 : kMargin;
  }
  return cut_of_sorted(rest);
}

}  // namespace ifm
