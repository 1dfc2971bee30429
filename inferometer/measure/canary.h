#pragma once

#include <cstdint>
#include <vector>

namespace ifm {

/// How long the two fixed kernels took.
struct CanaryTimes {
  int64_t compute_ns = 0;
  int64_t read_ns = 0;
};

/// A fixed amount of dependent integer arithmetic and a fixed amount of reading, on one thread, the best of three passes each,
/// about 20 ms in all: the same work every time, so that its time tells whether the machine is the same (METHOD 10).
class Canary {
 public:
  Canary();
  [[nodiscard]] CanaryTimes run();

 private:
  std::vector<uint64_t> memory_;
  uint64_t result_ = 1;  ///< kept, so that the work is not optimized away
};

}  // namespace ifm
