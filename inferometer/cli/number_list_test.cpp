#include "inferometer/cli/number_list.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "inferometer/base/error.h"

namespace ifm {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<int> parse(std::string_view text) { return parse_number_list(text, "-p", 0, 100000); }

std::string message_of(std::string_view text, int smallest = 0, int largest = 100000) {
  try {
    static_cast<void>(parse_number_list(text, "-p", smallest, largest));
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    return error.message();
  }
  return "no error";
}

// Lists and ranges mean what llama-bench's README says of them (tools/llama-bench/README.md, 2025).
TEST(NumberList, ReadsListsAndRangesAsLlamaBenchDoes) {
  EXPECT_THAT(parse("512"), ElementsAre(512));
  EXPECT_THAT(parse("0,128,64"), ElementsAre(0, 128, 64));
  EXPECT_THAT(parse("1-4"), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(parse("128-512+128"), ElementsAre(128, 256, 384, 512));
  EXPECT_THAT(parse("1-10*2"), ElementsAre(1, 2, 4, 8));
  EXPECT_THAT(parse("7,10-20+10,7"), ElementsAre(7, 10, 20, 7));
}

TEST(NumberList, NamesTheOptionAndTheTextThatItCannotRead) {
  for (const char* text :
       {"", ",", "1,", "a", "-1", "1-", "1-2+", "1-2+0", "1-2*1", "0-4*2", "1-2x3", "1-2+3+4", "1.5", " 1", "99999999999"}) {
    EXPECT_THAT(message_of(text), HasSubstr("-p: cannot be read")) << text;
  }
  EXPECT_THAT(message_of("9-3"), HasSubstr("runs backwards"));
}

TEST(NumberList, RefusesValuesOutsideTheRangeAndTooMany) {
  EXPECT_THAT(message_of("0", 1, 8), HasSubstr("expected 1 to 8, got 0"));
  EXPECT_THAT(message_of("1-9", 1, 8), HasSubstr("expected 1 to 8, got 9"));
  EXPECT_THAT(message_of("1-99999"), HasSubstr("too many values (expected at most 1000)"));
}

}  // namespace
}  // namespace ifm
