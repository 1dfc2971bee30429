#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "inferometer/kernel/kernels.h"

namespace ifm {

/// The end of a set of largest values: all above `value`, and the first `equals` of those that equal it.
struct Cut {
  float value = 0;
  int64_t equals = 0;
};

/// What a value counts for in its set: 1, or itself (then no value may be below 0).
enum class Weight { one, value };

/// Finds cuts without sorting: a few passes of vector kernels over ever fewer values, between bounds that a sorted sample
/// suggests. Not thread-safe.
/// Source: the idea of SELECT, Floyd and Rivest, CACM 18(3), 1975; here with weights, and for whole vectors.
class CutFinder {
 public:
  /// For at most `capacity` values.
  CutFinder(const Kernels& kernels, int64_t capacity);

  /// The smallest set of largest values whose weights sum to `need` > 0 or more; all of them when the sum stays below.
  /// values: (n) finite, n > 0. total: the sum of all weights.
  [[nodiscard]] Cut find(const float* values, int64_t n, Weight weight, double total, double need);

 private:
  /// What is still to be searched: values (n), the sum of their weights, and how much of it the set takes.
  struct Rest {
    const float* values;
    int64_t n;
    double total;
    double need;
  };
  struct Bounds {
    float low, high;
  };

  [[nodiscard]] double weight_of(float value) const { return weight_ == Weight::one ? 1.0 : static_cast<double>(value); }
  [[nodiscard]] double weight_above(const Rest& rest, float bound) const;
  void sort_every(const Rest& rest, int64_t step);
  [[nodiscard]] Bounds bracket(const Rest& rest, double margin) const;
  [[nodiscard]] float lightest_needed(const Rest& rest) const;
  [[nodiscard]] Rest within(const Rest& rest, float low, float high);
  [[nodiscard]] Rest narrowed(const Rest& rest, Bounds bounds);
  [[nodiscard]] Cut cut_of_equals(const Rest& rest) const;
  [[nodiscard]] Cut cut_of_sorted(const Rest& rest);

  const Kernels& kernels_;
  Weight weight_ = Weight::one;
  std::array<std::vector<float>, 2> buffers_;  // (capacity), what is left lies in one of them
  std::vector<int32_t> index_;                 // (capacity)
  std::vector<float> sorted_;                  // all or a sample, largest first
};

}  // namespace ifm
