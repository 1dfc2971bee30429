#include "inferometer/kernel/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <vector>

#include <gtest/gtest.h>

namespace ifm {
namespace {

TEST(ThreadPool, RunsTheTaskOnceForEveryThread) {
  for (const int threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    std::vector<int> calls(static_cast<std::size_t>(threads));
    for (int round = 0; round < 300; ++round) pool.run([&](int thread) { ++calls[static_cast<std::size_t>(thread)]; });
    for (const int n : calls) EXPECT_EQ(n, 300);
  }
}

TEST(ThreadPool, ChunksAndPartsCoverEverythingOnce) {
  ThreadPool pool(3);
  for (const int64_t count : {0, 1, 2, 31, 32, 33, 1000}) {
    std::vector<int> chunks(static_cast<std::size_t>(count));
    std::vector<int> parts(static_cast<std::size_t>(count));
    pool.for_chunks(count, 32, [&](int, int64_t begin, int64_t end) {
      EXPECT_EQ(begin % 32, 0);
      for (int64_t i = begin; i < end; ++i) ++chunks[static_cast<std::size_t>(i)];
    });
    pool.for_parts(count, 8, [&](int, int64_t begin, int64_t end) {
      EXPECT_EQ(begin % 8, 0);
      for (int64_t i = begin; i < end; ++i) ++parts[static_cast<std::size_t>(i)];
    });
    std::vector<int> shrinking(static_cast<std::size_t>(count));
    pool.for_shrinking(count, 4, [&](int, int64_t begin, int64_t end) {
      EXPECT_EQ(begin % 4, 0);
      for (int64_t i = begin; i < end; ++i) ++shrinking[static_cast<std::size_t>(i)];
    });
    EXPECT_EQ(shrinking, std::vector<int>(static_cast<std::size_t>(count), 1));
    EXPECT_EQ(chunks, std::vector<int>(static_cast<std::size_t>(count), 1));
    EXPECT_EQ(parts, std::vector<int>(static_cast<std::size_t>(count), 1));
  }
}

TEST(ThreadPool, ShrinkingChunksBeginWithMostOfAPartAndEndSmall) {
  ThreadPool pool(1);  // takes them in order
  std::vector<int64_t> sizes;
  pool.for_shrinking(1000, 10, [&](int, int64_t begin, int64_t end) { sizes.push_back(end - begin); });
  EXPECT_EQ(sizes.front(), 800);
  EXPECT_EQ(sizes.back(), 10);
  EXPECT_TRUE(std::ranges::is_sorted(sizes, std::ranges::greater()));
}

TEST(ThreadPool, ManySmallJobsInARowLoseNothing) {
  ThreadPool pool(4);
  int64_t total = 0;
  for (int64_t round = 0; round < 20'000; ++round) {
    std::atomic<int64_t> sum{0};
    pool.for_chunks(7, 2, [&](int thread, int64_t begin, int64_t end) {
      EXPECT_LT(thread, 4);
      for (int64_t i = begin; i < end; ++i) sum.fetch_add(i, std::memory_order_relaxed);
    });
    total += sum.load();
  }
  EXPECT_EQ(total, 20'000 * 21);
}

TEST(ThreadPool, ChunksBeyondWhatATicketHoldsGrow) {
  ThreadPool pool(2);
  std::atomic<int64_t> items{0};
  pool.for_chunks(100'000, 1, [&](int, int64_t begin, int64_t end) { items.fetch_add(end - begin, std::memory_order_relaxed); });
  EXPECT_EQ(items.load(), 100'000);
}

}  // namespace
}  // namespace ifm
