#include "inferometer/engine/simulated.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "inferometer/base/error.h"

namespace ifm {
namespace {

class Recorder final : public TokenSink {
 public:
  void on_tokens(const TokenEvent& event) override {
    times.push_back(event.received_ns);
    ids.insert(ids.end(), event.ids.begin(), event.ids.end());
    text += event.text;
    if (stop_after > 0 && static_cast<int>(times.size()) == stop_after) source.request_stop();
  }
  std::vector<int64_t> times;
  std::vector<TokenId> ids;
  std::string text;
  int stop_after = 0;
  StopSource source;
};

EngineOptions options_of(const SimulatedTiming& timing) { return {.kind = "simulated", .simulated = timing}; }

Completion generate(const SimulatedTiming& timing, const Request& request, Recorder& recorder) {
  VirtualClock clock;
  const auto engine = make_simulated_engine(options_of(timing), clock);
  return engine->load("", "m")->generate(request, recorder, recorder.source.get_token());
}

TEST(Simulated, StampsAreExactOnTheVirtualClock) {
  SimulatedTiming timing;
  timing.load_ns = 1'000;
  timing.ttft_ns = 10'000'000;
  timing.prefill_ns_per_token = 100'000;
  timing.prompt_tokens = 16;
  timing.gap_ns = 5'000'000;
  Recorder recorder;
  const Completion done = generate(timing, {.max_tokens = 3}, recorder);
  EXPECT_EQ(recorder.times, (std::vector<int64_t>{11'601'000, 16'601'000, 21'601'000}));
  EXPECT_EQ(done.start_ns, 1'000);
  EXPECT_EQ(done.end_ns, 21'601'000);
  EXPECT_EQ(*done.prefill_end_ns - *done.prefill_begin_ns, 1'600'000);
  EXPECT_EQ(done.output_tokens, 3);
  EXPECT_EQ(recorder.ids, (std::vector<TokenId>{100, 101, 102}));
  EXPECT_EQ(recorder.text, "tok tok tok ");
}

TEST(Simulated, SameSeedGivesTheSameTimesAnotherSeedOthers) {
  SimulatedTiming timing;
  timing.run_sd = 0.1;
  timing.gap_sd = 0.1;
  std::vector<std::vector<int64_t>> times;
  for (const uint64_t seed : {7U, 7U, 8U}) {
    Request request{.max_tokens = 10};
    request.sampling.seed = seed;
    Recorder recorder;
    (void)generate(timing, request, recorder);
    times.push_back(recorder.times);
  }
  EXPECT_EQ(times[0], times[1]);
  EXPECT_NE(times[0], times[2]);
}

TEST(Simulated, RunSpreadHasTheAskedStandardDeviation) {
  SimulatedTiming timing;
  timing.run_sd = 0.1;
  double sum = 0;
  double squares = 0;
  constexpr int kRuns = 4000;
  for (int i = 0; i < kRuns; ++i) {
    Request request{.max_tokens = 1};
    request.sampling.seed = static_cast<uint64_t>(i);
    Recorder recorder;
    (void)generate(timing, request, recorder);
    const double log_time = std::log(static_cast<double>(recorder.times[0]) / 11'600'000.0);
    sum += log_time;
    squares += log_time * log_time;
  }
  const double mean = sum / kRuns;
  // Four standard errors: sd/sqrt(n) of the mean, sd/sqrt(2n) of the sd.
  EXPECT_NEAR(mean, 0.0, 4 * 0.1 / std::sqrt(kRuns));
  EXPECT_NEAR(std::sqrt(squares / kRuns - mean * mean), 0.1, 4 * 0.1 / std::sqrt(2 * kRuns));
}

TEST(Simulated, TemperatureSlopeSlowsTheWholeRun) {
  SimulatedTiming timing;
  timing.temperature_slope = 0.5;
  Request request{.max_tokens = 2};
  request.sampling.temperature = 0.4;
  Recorder recorder;
  (void)generate(timing, request, recorder);
  EXPECT_EQ(recorder.times, (std::vector<int64_t>{13'920'000, 19'920'000}));
}

TEST(Simulated, EveryNthRequestFails) {
  VirtualClock clock;
  SimulatedTiming timing;
  timing.fail_every = 3;
  const auto engine = make_simulated_engine(options_of(timing), clock);
  const auto model = engine->load("", "m");
  std::vector<bool> failed;
  for (int i = 0; i < 6; ++i) {
    Recorder recorder;
    try {
      (void)model->generate({.max_tokens = 1}, recorder, {});
      failed.push_back(false);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::engine);
      failed.push_back(true);
    }
  }
  EXPECT_EQ(failed, (std::vector<bool>{false, false, true, false, false, true}));
}

TEST(Simulated, StopRequestEndsTheRunAsCancelled) {
  Recorder recorder;
  recorder.stop_after = 2;
  const Completion done = generate({}, {.max_tokens = 10}, recorder);
  EXPECT_EQ(done.finish, FinishReason::cancelled);
  EXPECT_EQ(done.output_tokens, 2);
}

TEST(Simulated, RefusesNegativeTimes) {
  VirtualClock clock;
  SimulatedTiming timing;
  timing.gap_ns = -1;
  EXPECT_THROW((void)make_simulated_engine(options_of(timing), clock), Error);
}

}  // namespace
}  // namespace ifm
