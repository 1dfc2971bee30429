#include "inferometer/measure/canary.h"

#include <algorithm>
#include <limits>

#include "inferometer/base/clock.h"

namespace ifm {
namespace {

constexpr int kPasses = 3;
constexpr int64_t kSteps = 1'500'000;
constexpr std::size_t kReadBytes = std::size_t{32} << 20U;

template <typename Work>
int64_t best_ns(const Work& work) {
  SteadyClock clock;
  int64_t best = std::numeric_limits<int64_t>::max();
  for (int pass = 0; pass < kPasses; ++pass) {
    const int64_t begin_ns = clock.now_ns();
    work();
    best = std::min(best, clock.now_ns() - begin_ns);
  }
  return best;
}

}  // namespace

Canary::Canary() : memory_(kReadBytes / sizeof(uint64_t), 1) {}

CanaryTimes Canary::run() {
  CanaryTimes times;
  times.compute_ns = best_ns([&] {
    uint64_t x = result_ | 1U;
    for (int64_t i = 0; i < kSteps; ++i) x = (x ^ (x >> 29U)) * 0xBF58476D1CE4E5B9ULL;  // each step waits for the last
    result_ = x;
  });
  times.read_ns = best_ns([&] {
    uint64_t sums[4] = {};
    for (std::size_t i = 0; i + 4 <= memory_.size(); i += 4) {
      for (std::size_t lane = 0; lane < 4; ++lane) sums[lane] += memory_[i + lane];
    }
    result_ += sums[0] ^ sums[1] ^ sums[2] ^ sums[3];
  });
  return times;
}

}  // namespace ifm
