#include "inferometer/kernel/thread_pool.h"

#include <vector>

#include <gtest/gtest.h>

namespace ifm {
namespace {

TEST(ThreadPool, RunsTheTaskOnceOnEveryThread) {
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
    EXPECT_EQ(chunks, std::vector<int>(static_cast<std::size_t>(count), 1));
    EXPECT_EQ(parts, std::vector<int>(static_cast<std::size_t>(count), 1));
  }
}

}  // namespace
}  // namespace ifm
