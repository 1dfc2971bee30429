#include <gtest/gtest.h>

#include "inferometer/analysis/simulated_runs.h"

namespace ifm {
namespace {

using simulated::Data;
using Phase = RooflinePoint::Phase;

const SessionModel kModel{.engine = "embedded",
                          .model = "smollm2-135m",
                          .hash = "sha256:ab",
                          .threads = 2,
                          .bytes_per_token = 90'000'000,
                          .macs_per_token = 100'000'000,
                          .head_macs = 30'000'000,
                          .attention_macs_per_position = 40'000,
                          .logits_only_macs = 2'000'000,
                          .cache_bytes_per_position = 20'000};

/// 20 prompt tokens in 80 ms, then 0.01 s a token; 64 tokens only.
Data data_of(const std::vector<SessionModel>& models, const std::string& engine = "embedded") {
  Data data = simulated::simulate({.engines = {engine}, .max_tokens = {64}});
  data.session.environment.read_gb_per_s = 20;
  data.session.environment.int8_gmac_per_s = 200;
  data.session.models = models;
  return data;
}

TEST(Roofline, DecodeIsAStepInTheMiddleOfTheAnswers) {
  const Study study = data_of({kModel}).study();
  ASSERT_EQ(study.roofline.size(), 2U);
  const RooflinePoint& decode = study.roofline[1];
  EXPECT_EQ(decode.phase, Phase::decode);
  const double macs = 130e6 + 40e3 * (20 + 32);
  const double bytes = 90e6 + 20e3 * (20 + 32);
  EXPECT_NEAR(decode.macs_per_byte, macs / bytes, 1e-9);
  EXPECT_NEAR(decode.gmac_per_s, macs * 100 * 1e-9, 1e-6);
  EXPECT_NEAR(decode.limit_gmac_per_s, 20 * macs / bytes, 1e-6) << "memory is the lower limit";
  EXPECT_NEAR(decode.share(), bytes * 100 / 20e9, 1e-6);
}

TEST(Roofline, PrefillCountsTheHeadOnceAndWhatIsSkippedNotAtAll) {
  const Study study = data_of({kModel}).study();
  const RooflinePoint& prefill = study.roofline.at(0);
  EXPECT_EQ(prefill.phase, Phase::prefill);
  const double macs = 20 * 100e6 - 19 * 2e6 + 40e3 * 20 * 21 / 2 + 30e6;
  EXPECT_NEAR(prefill.gmac_per_s, macs * 1e-9 / 0.08, 1e-6);
  EXPECT_NEAR(prefill.limit_gmac_per_s, 200, 1e-9) << "22 multiply-adds per byte: arithmetic is the lower limit";
  const Conclusion* told = simulated::find(study.conclusions, "overall_roofline");
  ASSERT_NE(told, nullptr);
  EXPECT_NE(told->text.find("0.13 of the 200 GMAC/s"), std::string::npos) << told->text;
}

TEST(Roofline, AnEngineThatDoesNotSayTakesTheWorkOfTheSameWeights) {
  SessionModel silent{.engine = "mlx", .model = "smollm2-135m", .hash = "sha256:ab", .threads = 1};
  EXPECT_EQ(data_of({silent, kModel}, "mlx").study().roofline.size(), 2U);
  silent.hash = "sha256:other";
  EXPECT_TRUE(data_of({silent, kModel}, "mlx").study().roofline.empty());
}

TEST(Roofline, IsOfEnginesThatComputeHereAndOfKnownLimitsOnly) {
  SessionModel server = kModel;
  server.threads = 0;
  EXPECT_TRUE(data_of({server}).study().roofline.empty());
  Data unmeasured = data_of({kModel});
  unmeasured.session.environment.int8_gmac_per_s.reset();
  EXPECT_TRUE(unmeasured.study().roofline.empty());
}

}  // namespace
}  // namespace ifm
