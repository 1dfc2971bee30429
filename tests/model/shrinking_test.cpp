// A weight file that shrinks while its model is in use: nothing that was computed with what is gone leaves the engine.
#include <filesystem>
#include <vector>

#include <gtest/gtest.h>

#include "inferometer/base/test_folder.h"
#include "inferometer/engine/engine.h"
#include "tests/model/test_models.h"

namespace ifm::test {
namespace {

struct Shrinking {
  TempFolder folder;
  std::filesystem::path model = folder.path() / "model";
  Shrinking() { std::filesystem::copy(golden_folder() / "tiny-llama", model); }
  void shrink() const { std::filesystem::resize_file(model / "model.safetensors", 4096); }
};

template <typename Work>
void expect_lost(const Work& work) {
  try {
    work();
    FAIL() << "computed with weights that are gone";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::io);
    EXPECT_NE(error.message().find("model.safetensors: cannot be read any more: the file shrank"), std::string::npos)
        << error.message();
  }
}

TEST(ShrinkingFile, Fault15NoEvaluationHandsOutWhatWasComputedWithoutTheWeights) {
  static const std::vector<TokenId> kIds{1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  const std::vector<void (*)(Evaluator&)> ways{
      [](Evaluator& evaluator) { evaluator.prefill(kIds); }, [](Evaluator& evaluator) { evaluator.step(1); },
      [](Evaluator& evaluator) { evaluator.score(kIds, [](int, std::span<const float>) { ADD_FAILURE() << "logits"; }); }};
  for (const auto& way : ways) {
    const Shrinking shrinking;
    const LoadedModel loaded(shrinking.model, options_with(Accuracy::fast));
    EXPECT_NO_THROW(loaded.evaluator().prefill(kIds));
    shrinking.shrink();
    expect_lost([&] { way(loaded.evaluator()); });
    expect_lost([&] { way(loaded.evaluator()); });  // it stays lost
  }
}

TEST(ShrinkingFile, Fault15NoTokenIsDrawn) {
  struct Counter final : TokenSink {
    void on_tokens(const TokenEvent& event) override { tokens += event.ids.size(); }
    std::size_t tokens = 0;
  } counter;
  const Shrinking shrinking;
  const LoadedModel loaded(shrinking.model, options_with(Accuracy::exact));
  shrinking.shrink();
  Request request;
  request.form = PromptForm::raw;
  request.messages = {{"user", "hello"}};
  request.max_tokens = 4;
  expect_lost([&] { (void)loaded.model->generate(request, counter, {}); });
  EXPECT_EQ(counter.tokens, 0U);
}

}  // namespace
}  // namespace ifm::test
