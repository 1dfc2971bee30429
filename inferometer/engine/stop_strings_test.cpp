#include "inferometer/engine/stop_strings.h"

#include <gtest/gtest.h>

namespace ifm {
namespace {

TEST(StopStrings, FindsAStringThatComesInPieces) {
  StopStrings stops({"END", "\n\n"});
  EXPECT_FALSE(stops.push("the E"));
  EXPECT_FALSE(stops.push("N"));
  EXPECT_TRUE(stops.push("D."));
  StopStrings lines({"\n\n"});
  EXPECT_FALSE(lines.push("a\n"));
  EXPECT_TRUE(lines.push("\nb"));
}

TEST(StopStrings, DoesNotFindWhatWasOnlySimilar) {
  StopStrings stops({"abc"});
  for (const char* piece : {"ab", "ab", "a", "bbc", "acb"}) EXPECT_FALSE(stops.push(piece)) << piece;
}

TEST(StopStrings, IgnoresEmptyStrings) {
  StopStrings stops({""});
  EXPECT_FALSE(stops.push("anything"));
}

}  // namespace
}  // namespace ifm
