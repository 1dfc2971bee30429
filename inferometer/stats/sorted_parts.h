#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace ifm::stats {

/// Values that lie sorted in several parts, as if they were sorted together; nothing is copied.
class SortedParts {
 public:
  /// Each part ascending and finite; they must outlive this.
  explicit SortedParts(std::vector<std::span<const double>> parts);
  [[nodiscard]] size_t size() const { return size_; }
  /// The value of this rank in ascending order, from 0; rank < size(). Cost: 64 searches in every part.
  [[nodiscard]] double at(size_t rank) const;
  /// As stats::quantile; null when there is no value.
  [[nodiscard]] std::optional<double> quantile(double p) const;

 private:
  std::vector<std::span<const double>> parts_;
  size_t size_ = 0;
};

/// The smallest double x of [low, high] for which enough(x) holds, where it holds for high and, if for an x, for all above.
/// Cost: at most 64 calls.
[[nodiscard]] double first_double(double low, double high, const std::function<bool(double)>& enough);

}  // namespace ifm::stats
