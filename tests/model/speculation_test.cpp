// Guessing tokens ahead changes no id: greedy or sampled, with filters and penalties, at any length, with stops.
#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "inferometer/base/rng.h"
#include "inferometer/engine/engine.h"
#include "tests/model/test_models.h"

namespace ifm::test {
namespace {

EngineOptions speculating(Speculation speculation) {
  EngineOptions options = options_with(Accuracy::fast, 2);
  options.speculation = speculation;
  return options;
}

/// What came of a request.
struct Answer {
  std::vector<TokenId> ids;
  std::string text;
  std::vector<int> event_sizes;
  Completion done;
};

class Collector final : public TokenSink {
 public:
  explicit Collector(Answer& answer) : answer_(answer) {}
  void on_tokens(const TokenEvent& event) override {
    answer_.ids.insert(answer_.ids.end(), event.ids.begin(), event.ids.end());
    answer_.text += event.text;
    answer_.event_sizes.push_back(static_cast<int>(event.ids.size()));
    last_ns = event.received_ns;
  }
  int64_t last_ns = 0;

 private:
  Answer& answer_;
};

Answer answer_of(Model& model, const Request& request) {
  Answer answer;
  Collector collector(answer);
  answer.done = model.generate(request, collector, {});
  EXPECT_EQ(answer.done.output_tokens, static_cast<int>(answer.ids.size()));
  EXPECT_EQ(answer.done.end_ns, collector.last_ns);
  return answer;
}

Request raw(std::string text, int max_tokens) {
  Request request;
  request.form = PromptForm::raw;
  request.messages = {{"user", std::move(text)}};
  request.max_tokens = max_tokens;
  request.ignore_eos = true;
  return request;
}

/// A model twice, without and with guesses.
struct Pair {
  explicit Pair(const std::filesystem::path& path)
      : plain(path, speculating(Speculation::off)), guessing(path, speculating(Speculation::lookup)) {}

  /// Compares both answers and returns what the guesses were worth.
  Speculated compare(const Request& request, const std::string& what) {
    const Answer expected = answer_of(*plain.model, request);
    const Answer answer = answer_of(*guessing.model, request);
    EXPECT_EQ(answer.ids, expected.ids) << what;
    EXPECT_EQ(answer.text, expected.text) << what;
    EXPECT_EQ(answer.done.finish, expected.done.finish) << what;
    EXPECT_FALSE(expected.done.speculated.has_value());
    const Speculated worth = answer.done.speculated.value();
    EXPECT_EQ(worth.steps, static_cast<int>(answer.event_sizes.size()) - 1) << what;
    EXPECT_LE(worth.accepted_tokens, worth.drafted_tokens) << what;
    // A pass gives the guesses that were right and one token more, unless the answer ends with a right guess.
    const int without_guesses = answer.done.output_tokens - 1 - worth.accepted_tokens;
    EXPECT_TRUE(without_guesses == worth.steps || without_guesses == worth.steps - 1) << what;
    return worth;
  }

  LoadedModel plain, guessing;
};

std::string random_text(Rng& rng) {
  std::string text;
  const uint64_t length = 1 + rng.below(60);
  for (uint64_t i = 0; i < length; ++i) text += static_cast<char>('a' + rng.below(5));
  return text;
}

TEST(Speculation, ChangesNoIdOfTheTinyModel) {
  Pair pair(golden_folder() / "tiny-llama");
  Rng rng(1);
  Speculated all;
  for (int i = 0; i < 80; ++i) {
    Request request = raw(random_text(rng), 1 + static_cast<int>(rng.below(60)));
    SamplingParams& sampling = request.sampling;
    sampling.seed = static_cast<uint64_t>(i);
    if (i % 4 > 0) sampling.temperature = 0.05 + rng.uniform();
    if (i % 4 == 2) sampling.top_p = 0.9;
    if (i % 4 == 3) sampling.top_k = 5;
    if (i % 8 > 4) sampling.repetition_penalty = 1.1;
    const Speculated worth = pair.compare(request, "request " + std::to_string(i));
    all.drafted_tokens += worth.drafted_tokens;
    all.accepted_tokens += worth.accepted_tokens;
  }
  EXPECT_GT(all.accepted_tokens, 50) << "the test saw no right guesses";
  EXPECT_GT(all.drafted_tokens - all.accepted_tokens, 50) << "the test saw no wrong guesses";
}

TEST(Speculation, EndsWhereItEndsWithoutGuesses) {
  Pair pair(golden_folder() / "tiny-llama");
  const std::string text = answer_of(*pair.plain.model, raw("abcabcabc", 60)).text;
  for (std::size_t i = 0; i + 2 < text.size(); i += 5) {
    Request request = raw("abcabcabc", 60);
    request.stop = {text.substr(i, 2)};
    (void)pair.compare(request, "stop " + std::to_string(i));
  }
  for (int max_tokens = 1; max_tokens < 30; ++max_tokens) (void)pair.compare(raw("abcabcabc", max_tokens), "length");
}

TEST(Speculation, ChangesNoIdOfARealModel) {
  Pair pair(model_path(kFolderModel));
  Speculated all;
  for (const char* question : {"List ten rivers, each with its country.", "Repeat: the quick brown fox jumps over the lazy dog.",
                               "Write a Python function that adds two numbers, and three calls of it."}) {
    for (const double temperature : {0.0, 0.7}) {
      Request request;
      request.messages = {{"user", question}};
      request.max_tokens = 64;
      request.sampling.temperature = temperature;
      request.sampling.seed = 3;
      const Speculated worth = pair.compare(request, question);
      all.accepted_tokens += worth.accepted_tokens;
    }
  }
  EXPECT_GT(all.accepted_tokens, 20);
}

TEST(Speculation, TokensOfOnePassShareOneStamp) {
  Pair pair(golden_folder() / "tiny-llama");
  const Answer answer = answer_of(*pair.guessing.model, raw("aaaaaaaaaaaaaaaa", 60));
  EXPECT_EQ(std::accumulate(answer.event_sizes.begin(), answer.event_sizes.end(), 0), 60);
  EXPECT_GT(*std::max_element(answer.event_sizes.begin(), answer.event_sizes.end()), 1);
  EXPECT_EQ(answer.event_sizes.front(), 1) << "the first token comes from the prompt's pass";
}

}  // namespace
}  // namespace ifm::test
