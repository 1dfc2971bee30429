// One run from request to record: the consistency rules, the time limits, what the request carries.
#include "inferometer/measure/one_run.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "inferometer/analysis/metrics.h"
#include "inferometer/base/error.h"
#include "inferometer/engine/simulated.h"
#include "inferometer/measure/checks.h"

namespace ifm {
namespace {

using ModelRun = ifm::Run;  // inside a test, Run is GoogleTest's

/// An engine whose account or stream can be made wrong.
class LyingModel final : public Model {
 public:
  explicit LyingModel(VirtualClock& clock) : clock_(clock) { info_.name = "liar"; }
  [[nodiscard]] const ModelInfo& info() const override { return info_; }
  [[nodiscard]] std::vector<TokenId> encode(const Request& /*request*/) override { return {}; }
  [[nodiscard]] std::string decode(std::span<const TokenId> /*ids*/) override { return {}; }
  Completion generate(const Request& request, TokenSink& sink, StopToken /*stop*/) override {
    clock_.advance_ns(before_start_ns);
    Completion done{.start_ns = clock_.now_ns()};
    for (int i = 0; i < request.max_tokens + extra_tokens; i += per_event) {
      clock_.advance_ns(2'000'000);
      const std::vector<TokenId> ids(static_cast<std::size_t>(per_event), 7);
      sink.on_tokens({clock_.now_ns(), ids, "x"});
    }
    done.end_ns = clock_.now_ns() + account_error_ns;
    done.output_tokens = request.max_tokens + miscount;
    done.finish = finish;
    done.cached_tokens = cached;
    return done;
  }
  int64_t before_start_ns = 0;  ///< what it does with the text before it looks at the clock
  int64_t account_error_ns = 0;
  int miscount = 0;
  int extra_tokens = 0;
  int per_event = 1;
  int cached = 0;
  FinishReason finish = FinishReason::length;

 private:
  VirtualClock& clock_;
  ModelInfo info_;
};

/// As a server: events without ids whose tokens are known in the end. Two come with one read, one holds no token.
class ServerModel final : public Model {
 public:
  explicit ServerModel(VirtualClock& clock) : clock_(clock) {}
  [[nodiscard]] const ModelInfo& info() const override { return info_; }
  [[nodiscard]] std::vector<TokenId> encode(const Request& /*request*/) override { return {}; }
  [[nodiscard]] std::string decode(std::span<const TokenId> /*ids*/) override { return {}; }
  Completion generate(const Request& /*request*/, TokenSink& sink, StopToken /*stop*/) override {
    Completion done{.start_ns = clock_.now_ns()};
    for (const int64_t after_ms : {10, 5, 0, 5, 5}) {
      clock_.advance_ns(after_ms * 1'000'000);
      const int64_t received_ns = clock_.now_ns();
      clock_.advance_ns(400'000);  // parsing takes its time
      sink.on_tokens({received_ns, {}, "x"});
      clock_.advance_ns(-400'000);
    }
    done.end_ns = clock_.now_ns() - 5'000'000;
    done.output_tokens = 5;
    done.event_tokens = {1, 1, 2, 1, 0};
    done.source = CountSource::usage;
    done.connect_ns = 300'000;
    done.server = ServerTimings{.prefill_ns = 8'000'000};
    done.prompt_tokens = 16;
    return done;
  }

 private:
  VirtualClock& clock_;
  ModelInfo info_;
};

class Checks : public testing::Test {
 protected:
  ModelRun run(int max_tokens = 6, bool ignore_eos = true) {
    ModelRun run;
    run.max_tokens = max_tokens;
    Request request{.max_tokens = max_tokens, .ignore_eos = ignore_eos};
    perform(run, RunStart::now, model, request, {}, clock, {clock.now_ns()});
    run.metrics = metrics_of(run);
    return run;
  }
  VirtualClock clock;
  LyingModel model{clock};
};

TEST_F(Checks, ClocksThatAgreeWithinAMillisecondPass) {
  model.account_error_ns = 1'000'000;
  EXPECT_EQ(run().status, RunStatus::ok);
}

TEST_F(Checks, TheClockStartsBeforeTheEngineHasTheText) {
  model.before_start_ns = 700'000;
  const int64_t handed_over_ns = clock.now_ns();
  ModelRun run;
  run.max_tokens = 2;
  perform(run, RunStart::now, model, {.max_tokens = 2, .ignore_eos = true}, {}, clock, {});
  EXPECT_EQ(run.status, RunStatus::ok) << run.error_message;
  EXPECT_EQ(run.start_ns, handed_over_ns);
  EXPECT_EQ(run.stamps.offset_ns, (std::vector<int64_t>{2'700'000, 4'700'000}));
}

TEST_F(Checks, AServersEventsAreStampedWhenReadAndThoseOfOneReadAreOne) {
  ServerModel server(clock);
  ModelRun run;
  run.max_tokens = 5;
  perform(run, RunStart::now, server, {.max_tokens = 5}, {}, clock, {clock.now_ns()});
  EXPECT_EQ(run.status, RunStatus::ok) << run.error_message;
  EXPECT_EQ(run.stamps.offset_ns, (std::vector<int64_t>{10'000'000, 15'000'000, 20'000'000}));
  EXPECT_EQ(run.stamps.tokens, (std::vector<int>{1, 3, 1}));
  run.metrics = metrics_of(run);
  EXPECT_DOUBLE_EQ(run.metrics.tpot_s.value(), 0.0025);
  EXPECT_DOUBLE_EQ(run.metrics.e2e_s.value(), 0.020);
  EXPECT_FALSE(run.metrics.itl_mean_s.has_value()) << "an event held several tokens";
  EXPECT_DOUBLE_EQ(run.metrics.prefill_tok_per_s.value(), 2000.0);
  EXPECT_EQ(run.connect_ns, 300'000);
}

TEST_F(Checks, ClocksThatDisagreeMakeTheRunInvalid) {
  model.account_error_ns = -1'000'001;
  const ModelRun bad = run();
  EXPECT_EQ(bad.status, RunStatus::failed);
  EXPECT_EQ(bad.error_kind, "clock");
  EXPECT_EQ(bad.flags, std::vector<std::string>{"clock_disagreement"});
  EXPECT_FALSE(bad.metrics.e2e_s.has_value());
}

TEST_F(Checks, DisputedCountsPrintNoTokenRate) {
  for (const auto& [miscount, extra] : std::vector<std::pair<int, int>>{{1, 0}, {-1, 0}, {0, 1}, {1, 1}, {-1, -1}}) {
    model.miscount = miscount;
    model.extra_tokens = extra;
    const ModelRun disputed = run();
    EXPECT_EQ(disputed.flags, std::vector<std::string>{"count_disputed"}) << miscount << " " << extra;
    EXPECT_FALSE(disputed.metrics.output_tok_per_s.has_value());
    EXPECT_FALSE(disputed.metrics.decode_tok_per_s.has_value());
    EXPECT_TRUE(disputed.metrics.e2e_s.has_value());
  }
}

TEST_F(Checks, FewerTokensAreFineOnlyWhenAnEosMayEndTheRun) {
  model.miscount = -2;
  model.extra_tokens = -2;
  model.finish = FinishReason::stop;
  EXPECT_TRUE(run(6, false).flags.empty());
  EXPECT_FALSE(run(6, true).flags.empty());
}

TEST_F(Checks, EventsOfSeveralTokensCountAsTheirTokens) {
  model.per_event = 3;
  const ModelRun coalesced = run();
  EXPECT_TRUE(coalesced.flags.empty());
  EXPECT_EQ(coalesced.stamps.tokens, (std::vector<int>{3, 3}));
  EXPECT_EQ(coalesced.output_tokens, 6) << "and not the words of its text";
  EXPECT_DOUBLE_EQ(coalesced.metrics.tpot_s.value(), 0.002 / 3);
  EXPECT_FALSE(coalesced.metrics.itl_mean_s.has_value());
}

TEST_F(Checks, Fault85CachedPromptsAreFlaggedAndCancelledRunsFail) {
  model.cached = 4;
  EXPECT_EQ(run().flags, std::vector<std::string>{"prompt_cached"});
  model.finish = FinishReason::cancelled;
  EXPECT_EQ(run().error_kind, "interrupted");
}

TEST_F(Checks, EmptyAnswersFail) {
  model.extra_tokens = -6;
  EXPECT_EQ(run().error_kind, "engine");
}

TEST(HashOfIds, IsTheShaOfLittleEndianIntegers) {
  // python3 -c "import hashlib,struct; print(hashlib.sha256(struct.pack('<2i',1,128255)).hexdigest())"
  EXPECT_EQ(hash_of_ids({1, 128255}), "64a847d60176265a7fedab2c47d7982ad76825453d8969fa1712d179072a3560");
}

TEST(RequestOf, CarriesEveryVariedParameter) {
  Plan plan;
  plan.prompts = {{.id = "p", .text = "x"}, {.id = "q", .text = "y", .raw = true}};
  plan.top_k = 40;
  plan.top_p = 0.9;
  plan.min_p = 0.05;
  plan.ignore_eos = false;
  const Request request = request_of(plan, {.prompt = 1, .max_tokens = 8, .temperature = 0.7}, 99);
  EXPECT_EQ(request.form, PromptForm::raw);
  EXPECT_EQ(request.messages.at(0).content, "y");
  EXPECT_EQ(request.max_tokens, 8);
  EXPECT_EQ(request.sampling.temperature, 0.7);
  EXPECT_EQ(request.sampling.top_k, 40);
  EXPECT_EQ(request.sampling.top_p, 0.9);
  EXPECT_EQ(request.sampling.min_p, 0.05);
  EXPECT_EQ(request.sampling.seed, 99U);
  EXPECT_FALSE(request.ignore_eos);
}

TEST(Watchdog, StopsAnEngineThatSaysNothing) {
  SteadyClock clock;
  EngineOptions options{.kind = "simulated"};
  options.simulated.ttft_ns = 600'000'000'000;
  const auto engine = make_simulated_engine(options, clock);
  const auto model = engine->load({}, "stalled");
  ModelRun run;
  perform(run, RunStart::now, *model, {.max_tokens = 1}, {.first_token_s = 0.02, .gap_s = 0.02}, clock, {clock.now_ns()});
  EXPECT_EQ(run.status, RunStatus::failed);
  EXPECT_EQ(run.error_kind, "timeout");
  EXPECT_TRUE(run.stamps.offset_ns.empty());
}

}  // namespace
}  // namespace ifm
