// Many sequences in one pass: each token's logits are bit for bit what they are when its sequence is evaluated alone.
#include <algorithm>
#include <map>
#include <vector>

#include <gtest/gtest.h>

#include "inferometer/base/error.h"
#include "inferometer/format/checkpoint.h"
#include "inferometer/kernel/thread_pool.h"
#include "inferometer/model/kv_cache.h"
#include "inferometer/model/llama.h"
#include "tests/model/test_models.h"

namespace ifm::test {
namespace {

using Rows = std::vector<std::vector<float>>;

std::vector<TokenId> some_ids(int64_t count, TokenId first) {
  std::vector<TokenId> ids;
  for (int64_t i = 0; i < count; ++i) ids.push_back(static_cast<TokenId>((first + 7 * i) % 256));
  return ids;
}

/// The tiny random Llama with room for a few sequences.
class Sequences : public testing::TestWithParam<Accuracy> {
 protected:
  explicit Sequences(int threads = 2)
      : checkpoint_(Checkpoint::open(golden_folder() / "tiny-llama")),
        threads_(threads),
        llama_(checkpoint_, kernels_for({}), threads_, GetParam()),
        pool_(checkpoint_.config(), 64) {}

  KvSequence sequence() { return KvSequence(pool_, 16 * kPageTokens); }

  KvSequence prefilled(std::span<const TokenId> ids) {
    KvSequence made = sequence();
    llama_.forward(ids, made, Phase::prefill, Logits::none, {});
    return made;
  }

  Rows forward(std::span<const Continuation> batch, Phase phase, Logits which) {
    Rows rows;
    llama_.forward(batch, phase, which,
                   [&](int64_t, std::span<const float> logits) { rows.emplace_back(logits.begin(), logits.end()); });
    return rows;
  }

  Checkpoint checkpoint_;
  ThreadPool threads_;
  Llama llama_;
  KvPool pool_;
};

TEST_P(Sequences, DecodedTogetherAreWhatTheyAreAlone) {
  // Lengths on both sides of the borders of pages and of attention's parts.
  constexpr int64_t kLengths[] = {1, 63, 64, 200, 255, 256, 300, 600};
  std::vector<KvSequence> alone;
  std::vector<KvSequence> together;
  for (const int64_t length : kLengths) {
    alone.push_back(prefilled(some_ids(length, static_cast<TokenId>(length))));
    together.push_back(alone.back().fork());
  }
  for (int step = 0; step < 3; ++step) {
    const std::vector<TokenId> next = some_ids(static_cast<int64_t>(alone.size()), step);
    Rows expected;
    std::vector<Continuation> batch;
    for (std::size_t i = 0; i < alone.size(); ++i) {
      const std::span<const TokenId> id(&next[i], 1);
      expected.push_back(forward(std::array{Continuation{&alone[i], id}}, Phase::decode, Logits::last).at(0));
      batch.push_back({&together[i], id});
    }
    EXPECT_EQ(forward(batch, Phase::decode, Logits::last), expected) << "step " << step;
    for (std::size_t i = 0; i < alone.size(); ++i) EXPECT_EQ(together[i].size(), kLengths[i] + step + 1);
  }
}

TEST_P(Sequences, SeveralDecodedTokensOfASequenceAreWhatTheyAreOneByOne) {
  for (const int64_t length : {40, 250, 600}) {
    KvSequence one_by_one = prefilled(some_ids(length, 3));
    KvSequence at_once = one_by_one.fork();
    KvSequence other = prefilled(some_ids(10, 4));
    const std::vector<TokenId> next = some_ids(37, 5);
    Rows expected;
    for (const TokenId& id : next) {
      expected.push_back(forward(std::array{Continuation{&one_by_one, {&id, 1}}}, Phase::decode, Logits::last).at(0));
    }
    const std::vector<TokenId> company = some_ids(2, 9);
    Rows rows = forward(std::array{Continuation{&at_once, next}, Continuation{&other, company}}, Phase::decode, Logits::all);
    rows.resize(next.size());
    EXPECT_EQ(rows, expected) << length;
  }
}

TEST_P(Sequences, ForkContinuesAsItsOriginAndNeitherDisturbsTheOther) {
  const std::vector<TokenId> prompt = some_ids(100, 1);
  KvSequence origin = prefilled(prompt);
  KvSequence fork = origin.fork();
  const TokenId other = 17;
  (void)forward(std::array{Continuation{&fork, {&other, 1}}}, Phase::decode, Logits::none);
  KvSequence fresh = prefilled(prompt);
  const TokenId next = 99;
  EXPECT_EQ(forward(std::array{Continuation{&origin, {&next, 1}}}, Phase::decode, Logits::last),
            forward(std::array{Continuation{&fresh, {&next, 1}}}, Phase::decode, Logits::last));
  fork.truncate(100);
  origin.truncate(100);
  EXPECT_EQ(forward(std::array{Continuation{&fork, {&next, 1}}}, Phase::decode, Logits::last),
            forward(std::array{Continuation{&origin, {&next, 1}}}, Phase::decode, Logits::last));
}

TEST_P(Sequences, LastAsksForOneRowOfEachPromptAndAllForEveryOne) {
  const std::vector<TokenId> a = some_ids(700, 1);  // crosses the border of what passes through the layers together
  const std::vector<TokenId> b = some_ids(9, 2);
  for (const Logits which : {Logits::none, Logits::last, Logits::all}) {
    KvSequence first = sequence();
    KvSequence second = sequence();
    std::vector<int64_t> indices;
    llama_.forward(std::array{Continuation{&first, a}, Continuation{&second, b}}, Phase::prefill, which,
                   [&](int64_t index, std::span<const float>) { indices.push_back(index); });
    std::vector<int64_t> expected;
    for (int64_t i = 0; i < 709; ++i) {
      if (which == Logits::all || (which == Logits::last && (i == 699 || i == 708))) expected.push_back(i);
    }
    EXPECT_EQ(indices, expected);
    EXPECT_EQ(first.size(), 700);
    EXPECT_EQ(second.size(), 9);
  }
}

TEST_P(Sequences, CacheIsTheSameWhicheverLogitsAreAskedFor) {
  const std::vector<TokenId> prompt = some_ids(600, 1);
  Rows after;
  for (const Logits which : {Logits::none, Logits::last, Logits::all}) {
    KvSequence sequence = this->sequence();
    llama_.forward(prompt, sequence, Phase::prefill, which, [](int64_t, std::span<const float>) {});
    const TokenId next = 5;
    after.push_back(forward(std::array{Continuation{&sequence, {&next, 1}}}, Phase::decode, Logits::last).at(0));
  }
  EXPECT_EQ(after[0], after[2]);
  EXPECT_EQ(after[1], after[2]);
}

TEST_P(Sequences, LastLogitsOfAPromptDoNotDependOnOtherPrompts) {
  std::vector<KvSequence> sequences;
  std::vector<std::vector<TokenId>> prompts;
  std::vector<Continuation> batch;
  for (int i = 0; i < 6; ++i) {
    prompts.push_back(some_ids(20 + 9 * i, i));
    sequences.push_back(sequence());
  }
  for (std::size_t i = 0; i < prompts.size(); ++i) batch.push_back({&sequences[i], prompts[i]});
  const Rows together = forward(batch, Phase::prefill, Logits::last);
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    KvSequence alone = sequence();
    EXPECT_EQ(forward(std::array{Continuation{&alone, prompts[i]}}, Phase::prefill, Logits::last).at(0), together[i]) << i;
  }
}

TEST_P(Sequences, TooFewPagesIsSaidBeforeAnythingIsEvaluated) {
  std::vector<KvSequence> all;
  std::vector<TokenId> ids = some_ids(15 * kPageTokens, 1);
  for (int i = 0; i < 4; ++i) all.push_back(prefilled(ids));
  KvSequence small = prefilled(some_ids(4, 1));
  ids.resize(4 * kPageTokens);
  const TokenId one = 1;
  EXPECT_THROW(
      forward(std::array{Continuation{&small, {&one, 1}}, Continuation{&all[0], {&one, 1}}, Continuation{&all[1], {&one, 1}},
                         Continuation{&all[2], {&one, 1}}, Continuation{&all[3], {&one, 1}}},
              Phase::decode, Logits::last),
      Error);
  EXPECT_EQ(small.size(), 4);
}

INSTANTIATE_TEST_SUITE_P(Accuracies, Sequences, testing::Values(Accuracy::fast, Accuracy::exact),
                         [](const auto& tested) { return std::string(to_string(tested.param)); });

}  // namespace
}  // namespace ifm::test
