#include "inferometer/record/varint.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "inferometer/base/error.h"
#include "inferometer/base/rng.h"

namespace ifm {
namespace {

std::vector<uint64_t> values() {
  std::vector<uint64_t> values{0, ~uint64_t{0}};
  Rng rng(1);
  for (unsigned bit = 0; bit < 64; ++bit) {
    const uint64_t power = uint64_t{1} << bit;
    for (const uint64_t value : {power - 1, power, power + 1, power | (rng() & (power - 1))}) values.push_back(value);
  }
  return values;
}

TEST(Varint, IsTakenAsItWasAppendedWhateverFollows) {
  for (const uint64_t value : values()) {
    for (const std::string& rest : {std::string(), std::string("x"), std::string(20, '\xFF')}) {
      std::string bytes;
      append_varint(bytes, value);
      bytes += rest;
      std::string_view left = bytes;
      EXPECT_EQ(take_varint(left), value);
      EXPECT_EQ(left, rest);
    }
  }
}

TEST(Varint, ACutOneIsRefused) {
  for (const uint64_t value : values()) {
    std::string bytes;
    append_varint(bytes, value);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      std::string_view left(bytes.data(), size);
      EXPECT_THROW((void)take_varint(left), Error) << value << " cut to " << size;
    }
  }
}

TEST(Varint, MoreThan64BitsAreRefused) {
  for (const std::string& bytes : {std::string(9, '\xFF') + '\x02', std::string(10, '\x80') + '\x01', std::string(30, '\xFF')}) {
    std::string_view left = bytes;
    EXPECT_THROW((void)take_varint(left), Error);
  }
}

TEST(Zigzag, IsUndone) {
  for (const uint64_t value : values()) EXPECT_EQ(zigzag(unzigzag(value)), value);
  EXPECT_EQ(zigzag(-1), 1U);
  EXPECT_EQ(zigzag(1), 2U);
}

}  // namespace
}  // namespace ifm
