#include "inferometer/kernel/read_loops.h"

#include <cstring>
#include <vector>

#include <gtest/gtest.h>

#include "inferometer/base/rng.h"

namespace ifm {
namespace {

// What a loop leaves out would count as read: every word must be in the result.
TEST(ReadLoops, ReadEveryWordOfWholeBlocks) {
  constexpr std::size_t kBlocks = 26;
  std::vector<uint64_t> words(kBlocks * 32 + 31);
  Rng rng(1);
  uint64_t whole_blocks = 0;
  for (std::size_t i = 0; i < words.size(); ++i) {
    words[i] = rng.below(UINT64_MAX);
    if (i < kBlocks * 32) whole_blocks ^= words[i];
  }
  const std::span<const std::byte> bytes = std::as_bytes(std::span(words));
  EXPECT_EQ(xor_in_order(bytes), whole_blocks);
  EXPECT_EQ(xor_of_halves(bytes), whole_blocks);
}

TEST(ReadLoops, ReadNothingOfLessThanABlock) {
  const std::vector<std::byte> bytes(255, std::byte{1});
  EXPECT_EQ(xor_in_order(bytes), 0U);
  EXPECT_EQ(xor_of_halves(bytes), 0U);
}

}  // namespace
}  // namespace ifm
