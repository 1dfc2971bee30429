#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

namespace ifm::stats {

/// Counts of whole numbers (times in ns, say) in buckets of fixed relative width: quantiles of any number of values from fixed
/// memory, each within 2^-10 (0.098 %) of what stats::quantile says of the values themselves; count, sum, minimum, maximum exact.
/// Any value from 0 to 2^64 − 1; the sum of all must stay under 2^64 (584 years of ns). Below 1,024 each value has its own
/// bucket, above every octave has 512 equal ones. 224 KiB. Not thread-safe: one per thread, then merge(). Source: the layout of
/// HdrHistogram (Gil Tene, hdrhistogram.org); error of log-linear buckets: Masson, Rim and Lee 2019, VLDB 12.
class Histogram {
 public:
  Histogram() : counts_(kBuckets, 0) {}

  /// Cost: about 2 ns, no allocation.
  void add(uint64_t value) {
    ++counts_[bucket_of(value)];
    ++count_;
    sum_ += value;
    min_ = std::min(min_, value);
    max_ = std::max(max_, value);
  }
  /// As if each value of the other had been added here.
  void merge(const Histogram& other);

  [[nodiscard]] uint64_t count() const { return count_; }
  [[nodiscard]] uint64_t sum() const { return sum_; }
  /// Null when nothing was added.
  [[nodiscard]] std::optional<uint64_t> minimum() const { return count_ > 0 ? std::optional(min_) : std::nullopt; }
  [[nodiscard]] std::optional<uint64_t> maximum() const { return count_ > 0 ? std::optional(max_) : std::nullopt; }
  [[nodiscard]] std::optional<double> mean() const;
  /// Quantile p in [0, 1] as stats::quantile defines it (linear between order statistics). Null when nothing was added.
  /// Cost: a walk over the buckets, about 10 µs.
  [[nodiscard]] std::optional<double> quantile(double p) const;
  /// The value of this rank in ascending order, from 0; rank < count().
  [[nodiscard]] double order_statistic(uint64_t rank) const;

  struct Bucket {
    double value;  ///< its middle, as order_statistic() gives it
    uint64_t count;
  };
  /// Those that hold something, by rising value.
  [[nodiscard]] std::vector<Bucket> buckets() const;

  /// All that it holds, as numbers of which most are small, for a file of varints: version, count, sum, minimum, maximum, then
  /// for each bucket that is not empty how many empty ones stand before it, and its count. Equal histograms give equal words.
  [[nodiscard]] std::vector<uint64_t> words() const;
  /// @throws Error invalid_data when the words are not those of a histogram.
  [[nodiscard]] static Histogram from_words(std::span<const uint64_t> words);

  bool operator==(const Histogram&) const = default;

 private:
  static constexpr int kHalfBits = 9;                                          ///< 512 buckets an octave
  static constexpr size_t kBuckets = size_t{64 - kHalfBits + 1} << kHalfBits;  ///< up to bucket_of(2^64 − 1)
  [[nodiscard]] static constexpr int shift_of(uint64_t value) {
    return std::max(0, static_cast<int>(std::bit_width(value)) - kHalfBits - 1);
  }
  [[nodiscard]] static constexpr size_t bucket_of(uint64_t value) {
    const int shift = shift_of(value);
    return (static_cast<size_t>(shift) << kHalfBits) + static_cast<size_t>(value >> shift);
  }
  [[nodiscard]] static uint64_t lowest_of(size_t bucket);
  [[nodiscard]] static uint64_t highest_of(size_t bucket);
  [[nodiscard]] double middle_of(size_t bucket) const;

  std::vector<uint64_t> counts_;
  uint64_t count_ = 0;
  uint64_t sum_ = 0;
  uint64_t min_ = std::numeric_limits<uint64_t>::max();
  uint64_t max_ = 0;
};

}  // namespace ifm::stats
