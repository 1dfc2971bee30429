#include "inferometer/stats/histogram.h"

#include <cmath>

#include "inferometer/base/check.h"
#include "inferometer/base/error.h"

namespace ifm::stats {
namespace {

constexpr uint64_t kVersion = 1;
constexpr size_t kHeadWords = 5;

[[noreturn]] void refuse(const char* what) { fail(ErrorKind::invalid_data, "histogram: {}", what); }

}  // namespace

uint64_t Histogram::lowest_of(size_t bucket) {
  const size_t octave = bucket >> kHalfBits;
  if (octave < 2) return bucket;
  return static_cast<uint64_t>(bucket - ((octave - 1) << kHalfBits)) << (octave - 1);
}

uint64_t Histogram::highest_of(size_t bucket) {
  return bucket + 1 < kBuckets ? lowest_of(bucket + 1) - 1 : std::numeric_limits<uint64_t>::max();
}

void Histogram::merge(const Histogram& other) {
  for (size_t i = 0; i < kBuckets; ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  sum_ += other.sum_;
  min_ = std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
}

std::optional<double> Histogram::mean() const {
  if (count_ == 0) return std::nullopt;
  return static_cast<double>(sum_) / static_cast<double>(count_);
}

double Histogram::order_statistic(uint64_t rank) const {
  IFM_CHECK(rank < count_);
  if (rank == 0) return static_cast<double>(min_);
  if (rank == count_ - 1) return static_cast<double>(max_);
  size_t bucket = 0;
  for (uint64_t before = counts_[0]; before <= rank; before += counts_[bucket]) ++bucket;
  return middle_of(bucket);
}

double Histogram::middle_of(size_t bucket) const {
  const uint64_t low = std::max(lowest_of(bucket), min_);
  const uint64_t high = std::min(highest_of(bucket), max_);
  return static_cast<double>(low) + static_cast<double>(high - low) / 2;
}

std::vector<Histogram::Bucket> Histogram::buckets() const {
  std::vector<Bucket> filled;
  for (size_t i = 0; i < kBuckets; ++i)
    if (counts_[i] > 0) filled.push_back({middle_of(i), counts_[i]});
  return filled;
}

std::optional<double> Histogram::quantile(double p) const {
  if (count_ == 0) return std::nullopt;
  const double position = std::clamp(p, 0.0, 1.0) * static_cast<double>(count_ - 1);
  const auto below = static_cast<uint64_t>(std::floor(position));
  const double weight = position - std::floor(position);
  const double low = order_statistic(below);
  return weight > 0 ? low + weight * (order_statistic(below + 1) - low) : low;
}

std::vector<uint64_t> Histogram::words() const {
  std::vector<uint64_t> words{kVersion, count_, sum_, minimum().value_or(0), max_};
  uint64_t empty = 0;
  for (const uint64_t count : counts_) {
    if (count == 0) {
      ++empty;
      continue;
    }
    words.push_back(empty);
    words.push_back(count);
    empty = 0;
  }
  return words;
}

Histogram Histogram::from_words(std::span<const uint64_t> words) {
  if (words.size() < kHeadWords || (words.size() - kHeadWords) % 2 != 0) refuse("cut short");
  if (words[0] != kVersion) fail(ErrorKind::invalid_data, "histogram: unknown version (expected {}, got {})", kVersion, words[0]);
  Histogram histogram;
  size_t next = 0;  // the bucket after the one read last
  size_t first = kBuckets;
  uint64_t left = words[1];
  for (size_t i = kHeadWords; i < words.size(); i += 2) {
    if (words[i] >= kBuckets - next) refuse("a bucket beyond the last");
    next += static_cast<size_t>(words[i]);
    if (words[i + 1] == 0 || words[i + 1] > left) refuse("its counts do not add up");
    left -= words[i + 1];
    first = std::min(first, next);
    histogram.counts_[next++] = words[i + 1];
  }
  if (left != 0) refuse("its counts do not add up");
  const uint64_t count = words[1], sum = words[2], lowest = words[3], highest = words[4];
  if (count == 0) {
    if (sum != 0 || lowest != 0 || highest != 0) refuse("a sum or a range without values");
    return histogram;
  }
  if (bucket_of(lowest) != first || bucket_of(highest) != next - 1 || lowest > highest)
    refuse("its range is not that of its buckets");
  if (sum / count < lowest || (sum == 0 ? 0 : (sum - 1) / count + 1) > highest) refuse("its mean lies outside its range");
  histogram.count_ = count;
  histogram.sum_ = sum;
  histogram.min_ = lowest;
  histogram.max_ = highest;
  return histogram;
}

}  // namespace ifm::stats
