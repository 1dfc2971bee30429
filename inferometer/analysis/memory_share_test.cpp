#include <gtest/gtest.h>

#include "inferometer/analysis/simulated_runs.h"

namespace ifm {
namespace {

using simulated::Data;

/// 0.01 s a token: 100 tok/s in every run.
Data data_of(const SessionModel& model, std::optional<double> read_gb_per_s) {
  Data data = simulated::simulate({});
  data.session.environment.read_gb_per_s = read_gb_per_s;
  data.session.models = {model};
  return data;
}

const SessionModel kModel{.engine = "embedded", .model = "smollm2-135m", .threads = 2, .bytes_per_token = 90'000'000};

TEST(MemoryShare, IsTheWeightsOfATokenAtTheMeanSpeedOverWhatMemoryGave) {
  const Study study = data_of(kModel, 20).study();
  ASSERT_EQ(study.memory_shares.size(), 1U);
  EXPECT_NEAR(study.memory_shares[0].gb_per_s, 9, 1e-6);
  EXPECT_NEAR(study.memory_shares[0].share, 0.45, 1e-8);
  const Conclusion* told = simulated::find(study.conclusions, "overall_memory");
  ASSERT_NE(told, nullptr);
  EXPECT_NE(told->text.find("9.00 GB/s, 0.45 of the 20.0 GB/s"), std::string::npos) << told->text;
  const Study impossible = data_of(kModel, 8).study();
  EXPECT_NE(simulated::find(impossible.conclusions, "overall_memory")->text.find("cannot be"), std::string::npos);
}

TEST(MemoryShare, IsOfEnginesThatComputeHereAndOfKnownNumbersOnly) {
  EXPECT_TRUE(data_of(kModel, std::nullopt).study().memory_shares.empty());
  SessionModel server = kModel;
  server.threads = 0;
  EXPECT_TRUE(data_of(server, 20).study().memory_shares.empty());
  SessionModel unknown = kModel;
  unknown.bytes_per_token.reset();
  EXPECT_TRUE(data_of(unknown, 20).study().memory_shares.empty());
}

}  // namespace
}  // namespace ifm
