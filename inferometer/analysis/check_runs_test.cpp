#include "inferometer/analysis/check_runs.h"

#include <functional>
#include <limits>
#include <utility>

#include <gmock/gmock.h>

#include "inferometer/analysis/simulated_runs.h"
#include "inferometer/base/error.h"

namespace ifm {
namespace {

using simulated::simulate;

/// What is said of a session after a change to its sixth run.
std::string fault_after(const std::function<void(ifm::Run&)>& change) {
  std::vector<ifm::Run> runs = simulate({}).runs;
  change(runs[5]);
  try {
    RunChecker checker("results.db");
    for (const Run& run : runs) checker.check(run);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::invalid_data);
    return error.message();
  }
  return "";
}

/// A change of times that takes the metrics with it, as a careful editor would make it.
std::string fault_after_consistent(const std::function<void(ifm::Run&)>& change) {
  return fault_after([&](ifm::Run& run) {
    change(run);
    run.metrics = metrics_of(run);
  });
}

TEST(CheckRuns, WhatASessionRecordedPasses) {
  EXPECT_EQ(fault_after([](ifm::Run&) {}), "");
  EXPECT_EQ(fault_after_consistent([](ifm::Run& run) { run.status = RunStatus::failed; }), "");
  EXPECT_EQ(fault_after_consistent([](ifm::Run& run) { run.stamps = {}; }), "");  // a stream that ended without a token
  EXPECT_EQ(fault_after_consistent([](ifm::Run& run) { run.stamps.offset_ns[4] = run.stamps.offset_ns[3]; }), "");
}

TEST(CheckRuns, TimesThatCannotBeAreNamed) {
  using testing::HasSubstr;
  EXPECT_THAT(fault_after_consistent([](ifm::Run& run) { run.stamps.offset_ns[0] = -1; }),
              HasSubstr("results.db: run 6: token event 1 is before the run's start"));
  EXPECT_THAT(fault_after_consistent([](ifm::Run& run) { std::swap(run.stamps.offset_ns[2], run.stamps.offset_ns[3]); }),
              HasSubstr("run 6: token event 4 is before event 3"));
  EXPECT_THAT(fault_after_consistent([](ifm::Run& run) { run.stamps.tokens[1] = -3; }),
              HasSubstr("token event 2 holds -3 tokens"));
  EXPECT_THAT(fault_after([](ifm::Run& run) { run.start_ns = 0; }), HasSubstr("run 6: it starts before run 5"));
  EXPECT_THAT(fault_after([](ifm::Run& run) { run.start_ns = std::numeric_limits<int64_t>::min(); }),
              HasSubstr("before its session"));
}

TEST(CheckRuns, MetricsThatTheTimesDoNotGiveAreNamed) {
  using testing::HasSubstr;
  for (const double wrong : {-0.5, 0.0, std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_THAT(fault_after([wrong](ifm::Run& run) { run.metrics.e2e_s = wrong; }), HasSubstr("run 6: its e2e_s does not fit"));
  }
  EXPECT_THAT(fault_after([](ifm::Run& run) { run.metrics.e2e_s = *run.metrics.e2e_s * 1.001; }), HasSubstr("e2e_s"));
  EXPECT_THAT(fault_after([](ifm::Run& run) { run.metrics.ttft_s.reset(); }),
              HasSubstr("ttft_s does not fit its times and counts "
                        "(expected 0.1, got none)"));
  EXPECT_THAT(fault_after([](ifm::Run& run) { run.metrics.load_s = 3; }), HasSubstr("load_s"));
  EXPECT_THAT(fault_after([](ifm::Run& run) { run.output_tokens = 9999; }), HasSubstr("tpot_s"));
}

TEST(CheckRuns, ADesignThatNoPlanHasIsNamed) {
  using testing::HasSubstr;
  EXPECT_THAT(fault_after([](ifm::Run& run) { run.temperature = std::numeric_limits<double>::infinity(); }),
              HasSubstr("its temperature is inf"));
  EXPECT_THAT(fault_after([](ifm::Run& run) { run.max_tokens = 0; }), HasSubstr("max_tokens is 0"));
  EXPECT_THAT(fault_after([](ifm::Run& run) { run.block = -2; }), HasSubstr("a position below 0"));
}

}  // namespace
}  // namespace ifm
