// What the engine mlx generates, and where it ends.
#include <algorithm>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/engine/tiny_folders.h"

namespace ifm::test {
namespace {

/// What came of a request.
struct Heard {
  std::vector<TokenId> ids;
  std::vector<std::string> texts;  ///< of each event
  std::vector<int64_t> times;
  Completion done;

  [[nodiscard]] std::string text() const {
    std::string all;
    for (const std::string& text : texts) all += text;
    return all;
  }
};

class Collector final : public TokenSink {
 public:
  Collector(Heard& heard, int stop_after) : heard_(heard), stop_after_(stop_after) {}
  void on_tokens(const TokenEvent& event) override {
    EXPECT_EQ(event.ids.size(), 1U);
    heard_.ids.insert(heard_.ids.end(), event.ids.begin(), event.ids.end());
    heard_.texts.emplace_back(event.text);
    heard_.times.push_back(event.received_ns);
    if (static_cast<int>(heard_.ids.size()) == stop_after_) source.request_stop();
  }
  StopSource source;

 private:
  Heard& heard_;
  int stop_after_;
};

class MlxGenerate : public testing::Test {
 protected:
  static EngineOptions options() {
    EngineOptions options;
    options.kind = "mlx";
    return options;
  }
  static Request raw(int max_tokens) {
    Request request;
    request.form = PromptForm::raw;
    request.messages = {{"user", "the licence of this work"}};
    request.max_tokens = max_tokens;
    request.ignore_eos = true;
    return request;
  }
  static Heard run(Model& model, const Request& request, int stop_after = 0) {
    Heard heard;
    Collector collector(heard, stop_after);
    heard.done = model.generate(request, collector, collector.source.get_token());
    EXPECT_EQ(heard.done.output_tokens, static_cast<int>(heard.ids.size()));
    EXPECT_EQ(heard.done.end_ns, heard.times.back());
    EXPECT_TRUE(std::ranges::is_sorted(heard.times));
    EXPECT_LE(heard.done.start_ns, *heard.done.prefill_begin_ns);
    EXPECT_LE(*heard.done.prefill_begin_ns, *heard.done.prefill_end_ns);
    EXPECT_LE(*heard.done.prefill_end_ns, heard.times.front());
    return heard;
  }
  Heard run(const Request& request, int stop_after = 0) { return run(*mlx_.model, request, stop_after); }

  LoadedModel mlx_{tiny_llama(), options()};
};

TEST_F(MlxGenerate, GreedyIdsAreTheEmbeddedEnginesLargest) {
  const Heard heard = run(raw(40));
  LoadedModel embedded(tiny_llama(), options_with(Accuracy::exact));
  Evaluator& evaluator = embedded.evaluator();
  evaluator.prefill(embedded.model->encode(raw(40)));
  ASSERT_EQ(heard.ids.size(), 40U);
  int near_ties = 0;
  for (const TokenId id : heard.ids) {
    const auto logits = evaluator.logits();
    const float top = std::ranges::max(logits);
    float magnitude = 0;
    for (const float z : logits) magnitude = std::max(magnitude, std::abs(z));
    // The embedded engine's f16 cache moves a logit by 2 * 2 * 2^-11 of the largest at most (mlx_test.cpp), and f32 by far less;
    // of a near tie either may be chosen.
    const float bound = 2 * (2 * 2 * 0x1p-11F * magnitude) * 1.1F;
    EXPECT_GE(logits[static_cast<std::size_t>(id)], top - bound);
    if (logits[static_cast<std::size_t>(id)] < top) ++near_ties;
    evaluator.step(id);
  }
  EXPECT_LE(near_ties, 4);
}

TEST_F(MlxGenerate, InFlightIdsAreThoseOfStepByStep) {
  const Heard in_flight = run(raw(60));
  Request request = raw(60);
  request.sampling.presence_penalty = 1e-30;  // changes no logit, but asks for the sampler
  EXPECT_EQ(run(request).ids, in_flight.ids);
  EXPECT_EQ(run(raw(60)).ids, in_flight.ids);
}

/// The evaluator's position when each token is heard.
class PositionSink final : public TokenSink {
 public:
  explicit PositionSink(const Evaluator& evaluator) : evaluator_(evaluator) {}
  void on_tokens(const TokenEvent& /*event*/) override { positions.push_back(evaluator_.position()); }
  std::vector<int> positions;

 private:
  const Evaluator& evaluator_;
};

TEST_F(MlxGenerate, OneGreedyStepIsInFlightWhileAnIdIsReadAndNoneBeyondTheEnd) {
  const int prompt = static_cast<int>(mlx_.model->encode(raw(1)).size());
  const auto positions = [&](const Request& request) {
    PositionSink sink(mlx_.evaluator());
    (void)mlx_.model->generate(request, sink, {});
    return sink.positions;
  };
  EXPECT_EQ(positions(raw(4)), (std::vector<int>{prompt + 1, prompt + 2, prompt + 3, prompt + 3}));
  Request sampled = raw(4);
  sampled.sampling.temperature = 0.7;
  EXPECT_EQ(positions(sampled), (std::vector<int>{prompt, prompt + 1, prompt + 2, prompt + 3}));
}

TEST_F(MlxGenerate, EndsAfterExactlyMaxTokens) {
  const std::vector<TokenId> longest = run(raw(20)).ids;
  const int prompt = static_cast<int>(mlx_.model->encode(raw(1)).size());
  for (const double temperature : {0.0, 0.7}) {
    for (const int count : {1, 2, 7, 20}) {
      Request request = raw(count);
      request.sampling.temperature = temperature;
      const Heard heard = run(request);
      EXPECT_EQ(heard.done.output_tokens, count);
      EXPECT_EQ(heard.done.prompt_tokens, prompt);
      EXPECT_EQ(heard.done.finish, FinishReason::length);
      // The last id is not evaluated.
      EXPECT_EQ(mlx_.evaluator().position(), prompt + count - 1);
      if (temperature == 0) {
        EXPECT_TRUE(std::ranges::equal(heard.ids, std::span(longest).first(static_cast<std::size_t>(count))));
      }
    }
  }
}

TEST_F(MlxGenerate, SeedsDecideSampledIds) {
  Request request = raw(30);
  request.sampling.temperature = 1;
  request.sampling.seed = 5;
  const std::vector<TokenId> first = run(request).ids;
  EXPECT_EQ(run(request).ids, first);
  request.sampling.seed = 6;
  EXPECT_NE(run(request).ids, first);
}

TEST_F(MlxGenerate, EosEndsUnlessIgnored) {
  const std::vector<TokenId> ids = run(raw(20)).ids;
  // An EOS that comes where it has not come before.
  std::size_t place = 3;
  while (std::find(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(place), ids[place]) !=
         ids.begin() + static_cast<std::ptrdiff_t>(place)) {
    ASSERT_LT(++place, ids.size());
  }
  const TempFolder folder;
  TinyChange change;
  change.config["eos_token_id"] = ids[place];
  write_changed(*Checkpoint::open(tiny_llama()).safetensors(), change, folder.path());
  const LoadedModel other(folder.path(), options());
  Request request = raw(20);
  EXPECT_EQ(run(*other.model, request).ids, ids);
  request.ignore_eos = false;
  const Heard ended = run(*other.model, request);
  EXPECT_EQ(ended.done.output_tokens, static_cast<int>(place) + 1);
  EXPECT_EQ(ended.done.finish, FinishReason::stop);
  EXPECT_EQ(ended.ids.back(), ids[place]);
  // The step that was begun in vain is forgotten.
  EXPECT_EQ(other.evaluator().position(), ended.done.prompt_tokens + ended.done.output_tokens - 1);
}

TEST_F(MlxGenerate, StopStringsEndAfterTheTokenThatCompletesThem) {
  const Heard whole = run(raw(40));
  // The first event with visible text after the tenth.
  std::size_t place = 10;
  while (whole.texts[place].empty()) ASSERT_LT(++place, whole.texts.size());
  std::string before;
  for (std::size_t i = 0; i <= place; ++i) before += whole.texts[i];
  Request request = raw(40);
  request.stop = {before};
  const Heard stopped = run(request);
  EXPECT_EQ(stopped.done.finish, FinishReason::stop);
  EXPECT_EQ(stopped.ids.size(), place + 1);
  EXPECT_EQ(stopped.text(), before);
}

TEST_F(MlxGenerate, AStopRequestEndsAsCancelled) {
  for (const double temperature : {0.0, 0.7}) {
    Request request = raw(40);
    request.sampling.temperature = temperature;
    const Heard heard = run(request, 3);
    EXPECT_EQ(heard.done.finish, FinishReason::cancelled);
    EXPECT_EQ(heard.ids.size(), 3U);
  }
}

TEST_F(MlxGenerate, LogitsThatAreNotFiniteAreAnError) {
  const TempFolder folder;
  TinyChange change;
  TensorToWrite norm = constant_bf16("model.norm.weight", 1, 128, std::numeric_limits<float>::quiet_NaN());
  norm.shape = {128};
  change.tensors = {norm};
  write_changed(*Checkpoint::open(tiny_llama()).safetensors(), change, folder.path());
  const LoadedModel broken(folder.path(), options());
  for (const double temperature : {0.0, 0.7}) {
    Request request = raw(4);
    request.sampling.temperature = temperature;
    expect_error([&] { run(*broken.model, request); }, ErrorKind::engine, "not finite", std::to_string(temperature));
  }
}

TEST_F(MlxGenerate, FillsTheContextAndRefusesOneMore) {
  const int prompt = static_cast<int>(mlx_.model->encode(raw(1)).size());
  const int fits = 512 - prompt + 1;
  EXPECT_EQ(run(raw(fits)).done.output_tokens, fits);
  const auto generate = [&](const Request& request) { return [this, request] { run(request); }; };
  expect_error(generate(raw(fits + 1)), ErrorKind::resource, "do not fit the context of 512 tokens", "one more");
  expect_error(generate(raw(0)), ErrorKind::usage, "max_tokens", "none");
  Request hot = raw(1);
  hot.sampling.temperature = -1;
  expect_error(generate(hot), ErrorKind::usage, "temperature", "temperature");
}

}  // namespace
}  // namespace ifm::test
