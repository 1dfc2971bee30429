#include "inferometer/kernel/limits.h"

#include <gtest/gtest.h>

#include "inferometer/kernel/kernels.h"
#include "inferometer/kernel/peak_loops.h"

namespace ifm {
namespace {

TEST(Limits, AreMeasuredWithWhatTheProcessorHas) {
  EXPECT_GT(measure_read_gb_per_s(1, 1 << 20, 1), 0.0);
  EXPECT_GT(measure_read_gb_per_s(2, 1 << 20, 1), 0.0);
  EXPECT_GT(measure_int8_peak(1, 1).gmac_per_s, 0.0);
  EXPECT_GT(measure_int8_peak(2, 1).gmac_per_s, 0.0);
  EXPECT_GT(measure_f32_peak(1, 1).gmac_per_s, 0.0);
  const std::optional<Peak> bf16 = measure_bf16_peak(1, 1);
  EXPECT_EQ(bf16.has_value(), !bf16_loops().empty());
  EXPECT_GT(bf16.value_or(Peak{1.0, ""}).gmac_per_s, 0.0);
}

TEST(Limits, OfASetNameWhatWasMeasured) {
  for (const std::string& isa : available_isas()) {
    const Peak peak = measure_int8_peak(1, 1, isa);
    bool named = false;
    for (const PeakLoop& loop : int8_loops(isa)) named = named || loop.instruction == peak.instruction;
    EXPECT_TRUE(named) << isa << ": " << peak.instruction;
  }
}

}  // namespace
}  // namespace ifm
