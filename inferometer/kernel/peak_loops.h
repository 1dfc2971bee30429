#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace ifm {

/// A loop of independent multiply-adds in registers, as fast as the processor has them.
struct PeakLoop {
  std::string_view instruction;  ///< "vpdpbusd zmm"
  int64_t macs_per_round = 0;
  /// Runs so many rounds (at most 1 million, or sums overflow) and returns the sum of all its products. Every factor is 1, so
  /// this is the number of multiply-adds, exact while f32 holds it.
  double (*run)(int64_t rounds) = nullptr;
};

/// Loops of which the fastest is a peak of this processor; `isa`: with what this set of kernels uses, empty = the best that the
/// processor has. Never empty.
[[nodiscard]] std::vector<PeakLoop> int8_loops(std::string_view isa);
/// Empty where the processor has no dot products of bf16.
[[nodiscard]] std::vector<PeakLoop> bf16_loops();
/// Never empty.
[[nodiscard]] std::vector<PeakLoop> f32_loops();

}  // namespace ifm
