#include "inferometer/measure/verify.h"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "inferometer/base/error.h"
#include "inferometer/measure/verify_text.h"

namespace ifm {
namespace {

constexpr int kVocab = 100;

/// A model whose logits are a function of the last token and the position: after id comes (id + 1) % 50, by a margin of 1.
class CountingModel final : public Model, private Evaluator {
 public:
  explicit CountingModel(bool begins = false) : begins_(begins) { info_.name = "counting"; }

  [[nodiscard]] const ModelInfo& info() const override { return info_; }
  [[nodiscard]] std::vector<TokenId> encode(const Request& request) override {
    std::vector<TokenId> ids;
    if (begins_) ids.push_back(99);
    for (const char c : request.messages.at(0).content) ids.push_back((c + shift) % 50);
    return ids;
  }
  [[nodiscard]] std::string decode(std::span<const TokenId> ids) override { return std::string(2 * ids.size(), 'x'); }
  Completion generate(const Request&, TokenSink&, StopToken) override { return {}; }
  [[nodiscard]] Evaluator* evaluator() override { return this; }

  void truncate(int positions) override {
    position_ = positions;
    windows.emplace_back();
  }
  void prefill(std::span<const TokenId> ids) override {
    for (const TokenId id : ids) step(id);
  }
  void step(TokenId id) override {
    windows.back().push_back(id);
    logits_.assign(kVocab, 0);
    logits_[static_cast<std::size_t>(id + 1) % 50] = 1;
    if (position_ == odd_position) logits_[static_cast<std::size_t>(id + 2) % 50] = odd_logit;
    ++position_;
  }
  void score(std::span<const TokenId> ids, const std::function<void(int, std::span<const float>)>& each) override {
    for (std::size_t i = 0; i < ids.size(); ++i) {
      step(ids[i]);
      each(static_cast<int>(i), logits_);
    }
  }
  [[nodiscard]] std::span<const float> logits() const override { return logits_; }
  [[nodiscard]] int position() const override { return position_; }
  [[nodiscard]] int vocab() const override { return kVocab; }

  int shift = 0;
  int odd_position = -1;  ///< where it also likes (id + 2) % 50
  float odd_logit = 0;
  std::vector<std::vector<TokenId>> windows;  ///< what was evaluated from an empty cache

 private:
  bool begins_;
  int position_ = 0;
  ModelInfo info_;
  std::vector<float> logits_;
};

const std::string kText = "abcdefghijklmnopqrstuvwxyz";

Verified compare(CountingModel& model, CountingModel& reference, const VerifyOptions& options) {
  return verify(model, reference, common_ids(model, reference, kText), options, {}, [](int) {});
}

TEST(Verify, EveryTokenOfTheTextButTheFirstIsPredictedOnce) {
  CountingModel model, reference;
  const Verified found = compare(model, reference, {.window = 10});
  ASSERT_EQ(found.positions.size(), kText.size() - 1);
  EXPECT_EQ(found.target_bytes, 2 * 25);
  ASSERT_EQ(model.windows.size(), 3U);
  EXPECT_EQ(model.windows[1].front(), ('a' + 10) % 50) << "the last target is the next window's first input";
  EXPECT_EQ(model.windows, reference.windows);
  const AgreementSummary all = summarize(found.positions);
  EXPECT_EQ(all.kl.value, 0);
  EXPECT_EQ(all.same_top, 1);
  // The text counts, so each target has the logit 1 among 99 others of 0.
  EXPECT_NEAR(all.nll.value, std::log(std::exp(1.0) + 99) - 1, 1e-9);
}

TEST(Verify, ABeginTokenStandsInFrontOfEachWindowAndIsNeverPredicted) {
  CountingModel model(true), reference(true);
  const Verified found = compare(model, reference, {.window = 10});
  ASSERT_EQ(model.windows.size(), 3U);
  for (const auto& window : model.windows) {
    EXPECT_EQ(window.front(), 99);
    EXPECT_LE(window.size(), 10U);
  }
  EXPECT_EQ(model.windows[1][1], ('a' + 9) % 50);
  EXPECT_EQ(found.positions.size(), 25U + 3U) << "each window's first token is predicted from the begin token, too";
}

TEST(Verify, PositionsAreNotMoreThanAskedFor) {
  CountingModel model, reference;
  EXPECT_EQ(compare(model, reference, {.window = 4, .positions = 6}).positions.size(), 6U);
  CountingModel begins(true), other(true);
  EXPECT_EQ(compare(begins, other, {.window = 4, .positions = 6}).positions.size(), 6U);
  EXPECT_EQ(compare(begins, other, {.window = 4, .positions = 5}).positions.size(), 5U);
}

TEST(Verify, ADivergenceIsTheFirstTokenThatDiffersWithBothGaps) {
  CountingModel model, reference;
  model.odd_position = 9;
  model.odd_logit = 1.5F;
  const Verified found = compare(model, reference, {.continuations = 2, .prompt_tokens = 8, .continue_tokens = 5});
  EXPECT_EQ(found.continuations, 2);
  ASSERT_EQ(found.divergences.size(), 2U);
  // The prompt's last position is 7, which gives token 0; position 9 gives token 2.
  EXPECT_EQ(found.divergences[0].token, 2);
  EXPECT_EQ(found.divergences[0].id, found.divergences[0].reference_id + 1);
  EXPECT_DOUBLE_EQ(found.divergences[0].gap, 0.5);
  EXPECT_DOUBLE_EQ(found.divergences[0].reference_gap, 1);
  EXPECT_EQ(found.continued_tokens, 4);
  EXPECT_TRUE(is_rounding(found.divergences[0], 0.5));
  EXPECT_FALSE(is_rounding(found.divergences[0], 0.49));
  // Windows of 512 score position 9, too, so that the error is known before.
  EXPECT_DOUBLE_EQ(summarize(found.positions).margin_error_max, 0) << "of the reference's two likeliest tokens";
}

TEST(Verify, OtherTokensOrBrokenLogitsAreNoComparison) {
  CountingModel model, reference;
  reference.shift = 1;
  EXPECT_THROW((void)common_ids(model, reference, kText), Error);
  reference.shift = 0;
  model.odd_position = 3;
  model.odd_logit = std::numeric_limits<float>::quiet_NaN();
  try {
    (void)compare(model, reference, {});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::engine);
    EXPECT_NE(error.message().find("not finite"), std::string::npos);
  }
  EXPECT_THROW((void)verify(reference, reference, std::vector<TokenId>{1}, {}, {}, [](int) {}), Error);
}

TEST(Verify, TheBuiltInTextIsLongEnoughForTenThousandPositions) { EXPECT_GT(verify_text().size(), 43'000U); }

}  // namespace
}  // namespace ifm
