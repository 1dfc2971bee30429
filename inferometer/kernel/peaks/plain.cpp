#include "inferometer/kernel/peaks/plain.h"

#include <algorithm>

namespace ifm {
namespace {

constexpr int64_t kMacs = 256;

template <typename Factor, typename Sum>
double dot_ones(int64_t rounds) {
  Factor x[kMacs];
  Factor y[kMacs];
  std::ranges::fill(x, Factor{1});
  std::ranges::fill(y, Factor{1});
  Sum sums[32] = {};
  for (int64_t round = 0; round < rounds; ++round) {
    // The compiler must not know that a round is as the one before.
    asm volatile("" : : "r"(x), "r"(y) : "memory");
    for (int64_t i = 0; i < kMacs; i += 32) {
      for (int64_t j = 0; j < 32; ++j) sums[j] += static_cast<Sum>(x[i + j]) * static_cast<Sum>(y[i + j]);
    }
  }
  double total = 0;
  for (const Sum sum : sums) total += static_cast<double>(sum);
  return total;
}

}  // namespace

const PeakLoop kPlainInt8Loop{"plain code", kMacs, dot_ones<int8_t, int32_t>};
const PeakLoop kPlainF32Loop{"plain code", kMacs, dot_ones<float, float>};

}  // namespace ifm
