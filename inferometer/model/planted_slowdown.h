#pragma once

#include <chrono>

namespace ifm {

/// Percent by which the decode products of this build are made slower: 0, but in a build configured with -DIFM_SLOW_DECODE=N,
/// which tests/gate compares with one that is not, to show that `compare` finds it.
inline constexpr int kSlowDecodePercent = IFM_SLOW_DECODE;

/// Does the work; where `slowed`, and in such a build, keeps its thread busy for that share of the time it took.
template <typename Work>
void with_planted_slowdown(bool slowed, const Work& work) {
  if constexpr (kSlowDecodePercent == 0) {
    work();
  } else {
    using Clock = std::chrono::steady_clock;
    const Clock::time_point begin = Clock::now();
    work();
    if (!slowed) return;
    const Clock::time_point end = Clock::now();
    const Clock::time_point until = end + (end - begin) * kSlowDecodePercent / 100;
    while (Clock::now() < until) {
    }
  }
}

}  // namespace ifm
