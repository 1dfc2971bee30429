#include "inferometer/cli/share.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "inferometer/base/error.h"

namespace ifm {
namespace {

TEST(Share, IsAPercentageOrANumber) {
  EXPECT_DOUBLE_EQ(parse_share("1%", "--margin"), 0.01);
  EXPECT_DOUBLE_EQ(parse_share("2.5 %", "--margin"), 0.025);
  EXPECT_DOUBLE_EQ(parse_share("0.01", "--margin"), 0.01);
}

TEST(Share, OfNothingOrMoreThanAllIsNone) {
  for (const char* text : {"", "%", "two", "0", "0%", "-1%", "1", "100%", "nan", "1%%"}) {
    try {
      static_cast<void>(parse_share(text, "--margin"));
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::usage);
      EXPECT_THAT(error.message(), testing::AllOf(testing::HasSubstr("--margin: "), testing::HasSubstr("1% or 0.01")));
    }
  }
}

}  // namespace
}  // namespace ifm
