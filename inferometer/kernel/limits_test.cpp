#include "inferometer/kernel/limits.h"

#include <gtest/gtest.h>

namespace ifm {
namespace {

// Under emulation and on every processor: an instruction that is not there would end the program.
TEST(Limits, AreMeasuredWithWhatTheProcessorHas) {
  EXPECT_GT(measure_int8_gmac_per_s(1, 1), 0.0);
  EXPECT_GT(measure_read_gb_per_s(1, 1 << 20, 1), 0.0);
}

}  // namespace
}  // namespace ifm
