// Requests generated together: each gets the ids that it gets alone, whatever its company, its length and its end.
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "inferometer/base/rng.h"
#include "inferometer/engine/engine.h"
#include "tests/model/test_models.h"

namespace ifm::test {
namespace {

class Collector final : public TokenSink {
 public:
  void on_tokens(const TokenEvent& event) override {
    ids.insert(ids.end(), event.ids.begin(), event.ids.end());
    text += event.text;
    if (stop_after && ids.size() >= *stop_after) source.request_stop();
  }
  std::vector<TokenId> ids;
  std::string text;
  std::optional<std::size_t> stop_after;
  StopSource source;
};

LoadedModel load(const std::filesystem::path& path, int parallel, Speculation speculation = Speculation::off) {
  EngineOptions options = options_with(Accuracy::fast, 2);
  options.context = 400;
  options.parallel = parallel;
  options.speculation = speculation;
  return LoadedModel(path, options);
}

/// Requests of many kinds: greedy and sampled, short and long, some ended by a stop string or an end token.
std::vector<Request> tiny_requests(int count) {
  Rng rng(7);
  std::vector<Request> requests;
  for (int i = 0; i < count; ++i) {
    Request request;
    request.form = PromptForm::raw;
    std::string text;
    const uint64_t length = 1 + rng.below(150);
    for (uint64_t j = 0; j < length; ++j) text += static_cast<char>('a' + rng.below(20));
    request.messages = {{"user", text}};
    request.max_tokens = 1 + static_cast<int>(rng.below(50));
    request.ignore_eos = i % 2 == 0;
    if (i % 3 > 0) request.sampling.temperature = 0.8;
    if (i % 3 == 2) request.sampling.repetition_penalty = 1.2;
    request.sampling.seed = static_cast<uint64_t>(i);
    if (i % 4 == 3) request.stop = {"e"};
    requests.push_back(request);
  }
  return requests;
}

void expect_as_alone(const LoadedModel& loaded, const std::vector<Request>& requests) {
  std::vector<Collector> sinks(requests.size());
  std::vector<Job> jobs;
  for (std::size_t i = 0; i < requests.size(); ++i) jobs.push_back({&requests[i], &sinks[i], {}});
  const std::vector<Completion> together = loaded.model->generate_many(jobs);
  ASSERT_EQ(together.size(), requests.size());
  for (std::size_t i = 0; i < requests.size(); ++i) {
    Collector alone;
    const Completion done = loaded.model->generate(requests[i], alone, {});
    EXPECT_EQ(sinks[i].ids, alone.ids) << "request " << i;
    EXPECT_EQ(sinks[i].text, alone.text) << "request " << i;
    EXPECT_EQ(together[i].finish, done.finish) << "request " << i;
    EXPECT_EQ(together[i].output_tokens, done.output_tokens) << "request " << i;
    EXPECT_EQ(together[i].prompt_tokens, done.prompt_tokens) << "request " << i;
    EXPECT_LE(together[i].prefill_end_ns.value(), together[i].end_ns);
  }
}

TEST(Together, EachRequestGetsTheIdsThatItGetsAlone) {
  for (const int parallel : {1, 3, 8}) {
    SCOPED_TRACE(parallel);
    expect_as_alone(load(golden_folder() / "tiny-llama", parallel), tiny_requests(20));
  }
}

TEST(Together, GuessesOfOneDoNotDisturbTheOthers) {
  expect_as_alone(load(golden_folder() / "tiny-llama", 5, Speculation::lookup), tiny_requests(20));
}

TEST(Together, EachRequestOfARealModelGetsTheIdsThatItGetsAlone) {
  std::vector<Request> requests;
  for (const char* question :
       {"Name three rivers.", "Why is the sky blue?", "Write one sentence about a whale.", "Count to twenty."}) {
    Request request;
    request.messages = {{"user", question}};
    request.max_tokens = 12 + 7 * static_cast<int>(requests.size());
    request.sampling.temperature = requests.size() % 2 == 0 ? 0.0 : 0.7;
    request.sampling.seed = 5;
    requests.push_back(request);
  }
  expect_as_alone(load(model_path(kFolderModel), 3), requests);
}

TEST(Together, ARequestThatIsStoppedEndsAloneAndTheOthersGoOn) {
  const LoadedModel loaded = load(golden_folder() / "tiny-llama", 2);
  std::vector<Request> requests = tiny_requests(2);
  for (Request& request : requests) {
    request.max_tokens = 40;
    request.ignore_eos = true;
    request.stop.clear();
  }
  std::vector<Collector> sinks(2);
  sinks[0].stop_after = 5;
  const std::vector<Completion> done = loaded.model->generate_many(
      std::vector<Job>{{&requests[0], &sinks[0], sinks[0].source.get_token()}, {&requests[1], &sinks[1], {}}});
  EXPECT_EQ(done[0].finish, FinishReason::cancelled);
  EXPECT_EQ(done[0].output_tokens, 5);
  EXPECT_EQ(done[1].finish, FinishReason::length);
  EXPECT_EQ(done[1].output_tokens, 40);
}

TEST(Together, EvaluatedSequencesKeepToThemselves) {
  const LoadedModel loaded = load(golden_folder() / "tiny-llama", 3);
  Evaluator& evaluator = loaded.evaluator();
  const std::vector<TokenId> prompt{5, 6, 7, 8, 9};
  const std::vector<TokenId> other{40, 41};
  const auto logits_after_step = [&](TokenId id) {
    evaluator.step(id);
    return std::vector<float>(evaluator.logits().begin(), evaluator.logits().end());
  };
  evaluator.prefill(other);
  const std::vector<float> alone = logits_after_step(3);
  evaluator.reset();
  EXPECT_EQ(evaluator.sequences(), 3);
  evaluator.prefill_sequence(0, prompt);
  evaluator.prefill_sequence(1, prompt);
  evaluator.prefill_sequence(2, other);
  evaluator.step_together(std::vector<TokenId>{1, 2, 3});
  EXPECT_EQ(std::vector<float>(evaluator.logits().begin(), evaluator.logits().end()), alone);
  EXPECT_THROW(evaluator.step_together(std::vector<TokenId>{1, 2, 3, 4}), Error);
  EXPECT_THROW(evaluator.prefill_sequence(3, prompt), Error);
}

TEST(Together, ParallelOutOfRangeIsSaid) {
  for (const int parallel : {0, -1, 100'000}) {
    EngineOptions options;
    options.parallel = parallel;
    SteadyClock clock;
    EXPECT_THROW((void)make_engine(options, clock), Error) << parallel;
  }
}

}  // namespace
}  // namespace ifm::test
