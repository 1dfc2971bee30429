// The same request gives the same ids: again, with any number of threads, with the model loaded anew.
#include <algorithm>
#include <filesystem>
#include <vector>

#include <gtest/gtest.h>

#include "inferometer/engine/engine.h"
#include "tests/model/test_models.h"

namespace ifm::test {
namespace {

class Collector final : public TokenSink {
 public:
  void on_tokens(const TokenEvent& event) override { ids.insert(ids.end(), event.ids.begin(), event.ids.end()); }
  std::vector<TokenId> ids;
};

Request request_with(int max_tokens, double temperature, uint64_t seed) {
  Request request;
  request.messages = {{"user", "Explain briefly why the sky is blue, and what the colour of the evening has to do with it."}};
  request.max_tokens = max_tokens;
  request.ignore_eos = true;
  request.sampling.temperature = temperature;
  request.sampling.seed = seed;
  return request;
}

std::vector<TokenId> generate(Model& model, const Request& request) {
  Collector collector;
  const Completion done = model.generate(request, collector, {});
  EXPECT_EQ(done.finish, FinishReason::length);
  EXPECT_EQ(done.output_tokens, request.max_tokens);
  EXPECT_EQ(collector.ids.size(), static_cast<std::size_t>(request.max_tokens));
  return collector.ids;
}

TEST(Determinism, TwentyGreedyRepeatsGiveTheSameIds) {
  const LoadedModel loaded(model_path(kFolderModel), options_with(Accuracy::fast));
  const Request request = request_with(48, 0, 0);
  const std::vector<TokenId> first = generate(*loaded.model, request);
  for (int repeat = 1; repeat < 20; ++repeat) EXPECT_EQ(generate(*loaded.model, request), first) << "repeat " << repeat;
}

TEST(Determinism, SameSeedGivesTheSameIdsOnAnyNumberOfThreads) {
  const std::filesystem::path path = model_path(kFolderModel);
  for (const Accuracy accuracy : {Accuracy::fast, Accuracy::exact}) {
    std::vector<TokenId> first;
    for (const int threads : {1, 2, 3, 4}) {
      const LoadedModel loaded(path, options_with(accuracy, threads));
      const std::vector<TokenId> ids = generate(*loaded.model, request_with(24, 0.7, 42));
      if (first.empty()) first = ids;
      EXPECT_EQ(ids, first) << threads << " threads, " << to_string(accuracy);
    }
  }
}

TEST(Determinism, AnotherSeedGivesOtherIds) {
  const LoadedModel loaded(model_path(kFolderModel), options_with(Accuracy::fast));
  EXPECT_NE(generate(*loaded.model, request_with(24, 0.7, 42)), generate(*loaded.model, request_with(24, 0.7, 43)));
}

TEST(Determinism, LogitsAreTheSameBitsOnAnyNumberOfThreads) {
  const std::filesystem::path path = model_path(kFolderModel);
  std::vector<TokenId> ids(100);
  for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<TokenId>(1000 + 37 * i);
  std::vector<float> first;
  for (const int threads : {1, 2, 3, 4}) {
    const LoadedModel loaded(path, options_with(Accuracy::fast, threads));
    loaded.evaluator().prefill(ids);
    loaded.evaluator().step(7);
    const auto logits = loaded.evaluator().logits();
    if (first.empty()) first.assign(logits.begin(), logits.end());
    EXPECT_TRUE(std::ranges::equal(logits, first)) << threads << " threads";
  }
}

}  // namespace
}  // namespace ifm::test
