#include "inferometer/base/stop.h"

#include <optional>
#include <thread>

#include <gtest/gtest.h>

namespace ifm {
namespace {

TEST(Stop, IsSeenByEveryTokenOfTheSourceAndItsCopies) {
  const StopSource source;
  const StopSource copy = source;
  const StopToken token = source.get_token();
  EXPECT_FALSE(token.stop_requested());
  EXPECT_FALSE(StopToken().stop_requested());
  copy.request_stop();
  EXPECT_TRUE(token.stop_requested());
  EXPECT_TRUE(source.stop_requested());
  EXPECT_FALSE(StopSource().stop_requested());
}

TEST(Stop, TokenOutlivesItsSource) {
  std::optional<StopSource> source(std::in_place);
  const StopToken token = source->get_token();
  source->request_stop();
  source.reset();
  EXPECT_TRUE(token.stop_requested());
}

TEST(Stop, CallbacksRunOnceAndNotAfterTheirEnd) {
  const StopSource source;
  int kept = 0;
  int ended = 0;
  const StopCallback first(source.get_token(), [&] { ++kept; });
  {
    const StopCallback second(source.get_token(), [&] { ++ended; });
  }
  source.request_stop();
  source.request_stop();
  EXPECT_EQ(kept, 1);
  EXPECT_EQ(ended, 0);
  const StopCallback late(source.get_token(), [&] { ++kept; });
  EXPECT_EQ(kept, 2);
}

TEST(Stop, IsSeenInAnotherThread) {
  const StopSource source;
  std::thread waits([token = source.get_token()] {
    while (!token.stop_requested()) std::this_thread::yield();
  });
  source.request_stop();
  waits.join();
}

}  // namespace
}  // namespace ifm
