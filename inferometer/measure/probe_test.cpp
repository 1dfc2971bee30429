#include "inferometer/measure/probe.h"

#include <cmath>

#include <gtest/gtest.h>

namespace ifm {
namespace {

TEST(Harness, OverheadOnANullEngineIsKnown) {
  const double overhead_ns = measure_harness_overhead_ns();
  EXPECT_GT(overhead_ns, 0.0);
  EXPECT_TRUE(std::isfinite(overhead_ns));
}

}  // namespace
}  // namespace ifm
