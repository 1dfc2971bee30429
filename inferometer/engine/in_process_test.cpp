#include "inferometer/engine/in_process.h"

#include <gtest/gtest.h>

namespace ifm {
namespace {

// What is dropped here would be varied by a plan, recorded with each run, and never happen.
TEST(SamplerConfigOf, CarriesEveryParameter) {
  const SamplerConfig config = sampler_config_of({.temperature = 0.3,
                                                  .top_k = 4,
                                                  .top_p = 0.5,
                                                  .min_p = 0.1,
                                                  .repetition_penalty = 1.1,
                                                  .presence_penalty = 0.2,
                                                  .frequency_penalty = 0.4,
                                                  .seed = 7});
  EXPECT_EQ(config.temperature, 0.3);
  EXPECT_EQ(config.top_k, 4);
  EXPECT_EQ(config.top_p, 0.5);
  EXPECT_EQ(config.min_p, 0.1);
  EXPECT_EQ(config.repetition_penalty, 1.1);
  EXPECT_EQ(config.presence_penalty, 0.2);
  EXPECT_EQ(config.frequency_penalty, 0.4);
  EXPECT_EQ(config.seed, 7U);
}

}  // namespace
}  // namespace ifm
