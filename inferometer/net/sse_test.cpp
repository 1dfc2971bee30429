#include "inferometer/net/sse.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "inferometer/base/error.h"

namespace ifm {
namespace {

struct Event {
  std::string type, data, stray;
  bool operator==(const Event&) const = default;
};

struct Parsed {
  std::vector<Event> events;
  int64_t comments = 0;
  std::string unfinished;
};

/// In pieces of `size` bytes.
Parsed parse(std::string_view bytes, std::size_t size) {
  SseParser parser;
  Parsed parsed;
  for (std::size_t at = 0; at < bytes.size(); at += size) {
    parser.push(bytes.substr(at, size), [&](const SseEvent& e) {
      parsed.events.push_back({std::string(e.type), std::string(e.data), std::string(e.stray)});
    });
  }
  parsed.comments = parser.comments();
  parsed.unfinished = parser.unfinished();
  return parsed;
}

void expect_events(std::string_view bytes, const std::vector<Event>& expected) {
  for (const std::size_t size : {std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{7}, bytes.size()}) {
    const Parsed parsed = parse(bytes, size);
    ASSERT_EQ(parsed.events.size(), expected.size()) << "in pieces of " << size;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      EXPECT_EQ(parsed.events[i].type, expected[i].type);
      EXPECT_EQ(parsed.events[i].data, expected[i].data);
      EXPECT_EQ(parsed.events[i].stray, expected[i].stray);
    }
  }
}

// The examples of WHATWG HTML, 9.2.6.
TEST(Sse, ReadsTheStandardsExamples) {
  expect_events("data: YHOO\ndata: +2\ndata: 10\n\n", {{"", "YHOO\n+2\n10", ""}});
  expect_events(": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n",
                {{"", "first event", ""}, {"", "second event", ""}, {"", " third event", ""}});
  expect_events("data\n\ndata\ndata\n\ndata:", {{"", "", ""}, {"", "\n", ""}});
  expect_events("data:test\n\ndata: test\n\n", {{"", "test", ""}, {"", "test", ""}});
}

TEST(Sse, Fault71AnyCutOfTheBytesGivesTheSameEvents) {
  expect_events("event: a\ndata: 1\n\ndata: 2\n\ndata: 3\n\n", {{"a", "1", ""}, {"", "2", ""}, {"", "3", ""}});
}

TEST(Sse, Fault72LinesEndWithLfCrOrCrlfAndAByteOrderMarkIsSkipped) {
  const std::vector<Event> expected{{"", "1\n2", ""}, {"", "3", ""}};
  expect_events("data: 1\ndata: 2\n\ndata: 3\n\n", expected);
  expect_events("data: 1\rdata: 2\r\rdata: 3\r\r", expected);
  expect_events("data: 1\r\ndata: 2\r\n\r\ndata: 3\r\n\r\n", expected);
  expect_events("data: 1\r\ndata: 2\n\rdata: 3\n\r\n", expected);
  expect_events(
      "\xEF\xBB\xBF"
      "data: 1\ndata: 2\n\ndata: 3\n\n",
      expected);
}

TEST(Sse, Fault73CommentsAreCountedAndNothingElse) {
  EXPECT_EQ(parse(": ping\n\n: keepalive 1/2\n\n:\n\ndata: x\n\n", 5).comments, 3);
  expect_events(": ping\n\n: keepalive 1/2\n\n", {});
}

TEST(Sse, Fault74DataOfManyLinesWithoutASpaceAndEmpty) {
  expect_events("data:a\ndata:\ndata: b\n\ndata:\n\n\n\n", {{"", "a\n\nb", ""}, {"", "", ""}});
}

TEST(Sse, Fault75CutUtf8StaysWholeAndUnicodeLineEndsAreText) {
  expect_events(
      "data: Gr\xC3\xBC\xC3\x9F\x65 \xF0\x9F\x98\x80\n\ndata: a\xE2\x80\xA8"
      "b\xC2\x85"
      "c\n\n",
      {{"", "Gr\xC3\xBC\xC3\x9F\x65 \xF0\x9F\x98\x80", ""},
       {"",
        "a\xE2\x80\xA8"
        "b\xC2\x85"
        "c",
        ""}});
}

TEST(Sse, Fault76WhatIsNoFieldIsHandedOnAsItCame) {
  expect_events("error: {\"message\":\"out of memory\"}\n\n", {{"", "", "error: {\"message\":\"out of memory\"}"}});
  EXPECT_EQ(parse("{\"error\":{\"message\":\"no\"}}", 4).unfinished, "{\"error\":{\"message\":\"no\"}}");
}

TEST(Sse, AnUnfinishedEventIsNoEvent) { EXPECT_TRUE(parse("data: half", 3).events.empty()); }

TEST(Sse, Fault88LinesAndEventsHaveALimit) {
  const auto refuses = [](const std::string& unit) {
    SseParser parser;
    try {
      for (int i = 0; i < 100; ++i) parser.push(unit, [](const SseEvent&) {});
    } catch (const Error& error) {
      return error.kind() == ErrorKind::network;
    }
    return false;
  };
  EXPECT_TRUE(refuses(std::string(1 << 20, 'x')));
  EXPECT_TRUE(refuses("data: " + std::string(1 << 20, 'x') + "\n"));
}

}  // namespace
}  // namespace ifm
