#include "inferometer/format/json_reader.h"

#include <string>

#include <gtest/gtest.h>

#include "inferometer/format/test_files.h"

namespace ifm {
namespace {

using test::expect_error;

TEST(ParseJson, AcceptsOrdinaryJson) {
  const auto value = parse_json(R"( {"a":[1,-2,0.5,true,null,"\u00e9"],"b":{"a":{}}} )", "f");
  EXPECT_EQ(value["a"].size(), 6U);
  EXPECT_EQ(value["a"][5], "\xC3\xA9");
  EXPECT_TRUE(parse_json(std::string(64, '[') + std::string(64, ']'), "f").is_array());
}

TEST(ParseJson, RejectsWhatOthersLetPass) {
  const std::pair<std::string, const char*> faults[] = {
      {R"({"a":1,"a":2})", "key \"a\" stands twice"},
      {R"({"b":{"a":1,"\u0061":2}})", "key \"a\" stands twice"},
      {std::string(65, '[') + std::string(65, ']'), "nested too deeply (expected at most 64)"},
      {std::string(100'000, '['), "nested too deeply"},
      {std::string("{}\0", 3), "NUL in JSON at byte 2"},
      {"{} x", "not valid JSON at byte"},
      {"{\"a\":NaN}", "not valid JSON at byte"},
      {"{\"a\":1e400}", "out of range"},
      {"{\"a\":\"\xff\"}", "not valid JSON at byte"},
      {R"({"a":"\ud800"})", "not valid JSON at byte"},
      {"", "JSON is cut off after 0 bytes"},
      {"{\"a\":[1,", "JSON is cut off after 8 bytes"},
      {"{\"a\":1,}", "not valid JSON"},
      {"// c\n{}", "not valid JSON"},
  };
  for (const auto& [text, message] : faults) {
    expect_error([&, &json = text] { (void)parse_json(json, "f"); }, ErrorKind::invalid_data, message, message);
  }
}

TEST(ReadJsonObject, RefusesOtherThanObjects) {
  const test::TempFolder folder;
  expect_error([&] { (void)read_json_object(folder.write("a.json", "[1]")); }, ErrorKind::invalid_data,
               "expected a JSON object, got array", "array");
  expect_error([&] { (void)read_json_object(folder.path() / "none.json"); }, ErrorKind::not_found, "none.json", "absent");
}

}  // namespace
}  // namespace ifm
