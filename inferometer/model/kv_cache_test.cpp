#include "inferometer/model/kv_cache.h"

#include <vector>

#include <gtest/gtest.h>

#include "inferometer/base/error.h"

namespace ifm {
namespace {

constexpr int64_t kDim = 8;

ModelConfig small_config() {
  ModelConfig config;
  config.layers = 2;
  config.kv_heads = 3;
  config.head_dim = kDim;
  return config;
}

/// Writes `count` positions in every layer and head; element i of a key is mark + i, of a value mark + 100 + i.
void append(KvSequence& sequence, int64_t count, uint16_t mark) {
  sequence.reserve(count);
  std::vector<uint16_t> key(kDim);
  std::vector<uint16_t> value(kDim);
  for (uint16_t i = 0; i < kDim; ++i) {
    key[i] = static_cast<uint16_t>(mark + i);
    value[i] = static_cast<uint16_t>(mark + 100 + i);
  }
  for (int64_t p = sequence.size(); p < sequence.size() + count; ++p) {
    for (int64_t layer = 0; layer < 2; ++layer) {
      for (int64_t head = 0; head < 3; ++head) sequence.write(layer, head, p, key.data(), value.data());
    }
  }
  sequence.advance(count);
}

uint16_t key_at(const KvSequence& sequence, int64_t layer, int64_t head, int64_t position, int64_t i) {
  const KvPages pages = sequence.pages(layer, head);
  const auto* page = reinterpret_cast<const uint16_t*>(pages.base + pages.table[position / kPageTokens] * pages.page_bytes);
  return page[i * kPageTokens + position % kPageTokens];
}

uint16_t value_at(const KvSequence& sequence, int64_t layer, int64_t head, int64_t position, int64_t i) {
  const KvPages pages = sequence.pages(layer, head);
  const auto* page = reinterpret_cast<const uint16_t*>(pages.base + pages.table[position / kPageTokens] * pages.page_bytes);
  return page[(kPageTokens + position % kPageTokens) * kDim + i];
}

void expect_mark(const KvSequence& sequence, int64_t position, uint16_t mark) {
  for (int64_t layer = 0; layer < 2; ++layer) {
    for (int64_t head = 0; head < 3; ++head) {
      for (int64_t i = 0; i < kDim; ++i) {
        EXPECT_EQ(key_at(sequence, layer, head, position, i), mark + i) << position;
        EXPECT_EQ(value_at(sequence, layer, head, position, i), mark + 100 + i) << position;
      }
    }
  }
}

TEST(KvCache, PageHoldsItsPositionsOfAllLayers) {
  const KvPool pool(small_config(), 4);
  EXPECT_EQ(pool.page_bytes(), kPageTokens * cache_bytes_per_position(small_config()));
  EXPECT_EQ(pool.pages(), 4);
  EXPECT_EQ(pool.free_pages(), 4);
}

TEST(KvCache, TakesPagesAsPositionsComeAndGivesThemBack) {
  KvPool pool(small_config(), 4);
  {
    KvSequence sequence(pool, 4 * kPageTokens);
    append(sequence, 1, 7);
    EXPECT_EQ(pool.free_pages(), 3);
    append(sequence, kPageTokens - 1, 8);
    EXPECT_EQ(pool.free_pages(), 3);
    append(sequence, 1, 9);
    EXPECT_EQ(pool.free_pages(), 2);
    expect_mark(sequence, 0, 7);
    expect_mark(sequence, kPageTokens - 1, 8);
    expect_mark(sequence, kPageTokens, 9);
    sequence.truncate(kPageTokens);
    EXPECT_EQ(pool.free_pages(), 3);
    EXPECT_EQ(sequence.size(), kPageTokens);
  }
  EXPECT_EQ(pool.free_pages(), 4);
}

TEST(KvCache, ForksShareFullPagesAndCopyThePartlyFilledOneWhenItIsWritten) {
  KvPool pool(small_config(), 8);
  KvSequence prompt(pool, 8 * kPageTokens);
  append(prompt, 2 * kPageTokens + 5, 1);
  KvSequence a = prompt.fork();
  KvSequence b = prompt.fork();
  EXPECT_EQ(pool.free_pages(), 5);
  append(a, 1, 50);
  EXPECT_EQ(pool.free_pages(), 4);
  append(b, 1, 60);
  EXPECT_EQ(pool.free_pages(), 3);
  append(prompt, 1, 70);  // the last user of the page need not copy it
  EXPECT_EQ(pool.free_pages(), 3);
  for (const KvSequence* sequence : {&a, &b, &prompt}) {
    expect_mark(*sequence, 0, 1);
    expect_mark(*sequence, 2 * kPageTokens + 4, 1);
  }
  expect_mark(a, 2 * kPageTokens + 5, 50);
  expect_mark(b, 2 * kPageTokens + 5, 60);
  expect_mark(prompt, 2 * kPageTokens + 5, 70);
}

TEST(KvCache, ForkThatIsCutBackIntoASharedPageCopiesItBeforeItWrites) {
  KvPool pool(small_config(), 8);
  KvSequence prompt(pool, 8 * kPageTokens);
  append(prompt, 2 * kPageTokens, 1);
  KvSequence fork = prompt.fork();
  fork.truncate(10);
  append(fork, 1, 90);
  expect_mark(fork, 9, 1);
  expect_mark(fork, 10, 90);
  expect_mark(prompt, 10, 1);
}

TEST(KvCache, PagesLiveAsLongAsOneSequenceUsesThem) {
  KvPool pool(small_config(), 2);
  KvSequence last(pool, kPageTokens);
  {
    KvSequence first(pool, 2 * kPageTokens);
    append(first, 3, 5);
    last = first.fork();
  }
  EXPECT_EQ(pool.free_pages(), 1);
  EXPECT_EQ(last.size(), 3);
  expect_mark(last, 2, 5);
}

TEST(KvCache, AFullPoolIsOneClearLineAndLeavesTheSequenceAsItWas) {
  KvPool pool(small_config(), 2);
  KvSequence one(pool, 4 * kPageTokens);
  append(one, kPageTokens + 1, 3);
  KvSequence other = one.fork();
  try {
    other.reserve(1);  // would copy the second page
    FAIL() << "a page was taken from a full pool";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::resource);
    EXPECT_EQ(error.message(), "KV cache: 1 more pages of 64 tokens are needed, 0 of 2 are free");
  }
  EXPECT_EQ(other.size(), kPageTokens + 1);
  expect_mark(other, kPageTokens, 3);
  one.truncate(0);
  other.reserve(1);
  EXPECT_EQ(pool.free_pages(), 0);
}

TEST(KvCache, MoreThanCanBeAddressedIsOneClearLine) {
  EXPECT_THROW(KvPool(small_config(), int64_t{1} << 40), Error);
  ModelConfig huge = small_config();
  huge.kv_heads = int64_t{1} << 40;
  EXPECT_THROW(KvPool(huge, int64_t{1} << 20), Error);
}

}  // namespace
}  // namespace ifm
