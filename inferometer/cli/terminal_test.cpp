#include "inferometer/cli/terminal.h"

#include <algorithm>
#include <cstdio>
#include <string>

#include <gtest/gtest.h>

#include "inferometer/cli/context.h"
#include "inferometer/cli/input.h"
#include "inferometer/cli/output.h"

namespace ifm {
namespace {

/// What a function writes to a stream that is no terminal.
template <typename Function>
std::string written(const Function& function) {
  std::FILE* file = std::tmpfile();
  function(file);
  std::rewind(file);
  std::string out = read_input(file, "temporary file");
  std::fclose(file);
  return out;
}

// FAULTS 70: text of a model must not be able to steer the terminal.
TEST(Printable, Fault70ControlCharactersAreShownInsteadOfSent) {
  EXPECT_EQ(printable("plain\ttext\n"), "plain\ttext\n");
  EXPECT_EQ(printable("\x1b[31mred\x07\r"), "\\x1b[31mred\\x07\\x0d");
  EXPECT_EQ(printable("\xC2\x9B"
                      "2J"),
            "\\x9b2J")
      << "C1 control sequence introducer";
  EXPECT_EQ(printable("a\xE2\x80\xAE"
                      "b"),
            "a\\u202eb")
      << "right-to-left override";
  EXPECT_EQ(printable("größe 日本 🎉"), "größe 日本 🎉");
}

TEST(Printable, BrokenUtf8BecomesReplacementCharacters) {
  EXPECT_EQ(printable("\xFF"), "\xEF\xBF\xBD");
  EXPECT_EQ(printable("\xC0\xAF"), "\xEF\xBF\xBD\xEF\xBF\xBD") << "overlong";
  EXPECT_EQ(printable("\xED\xA0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD") << "surrogate";
  EXPECT_EQ(printable("\xE2\x82"), "\xEF\xBF\xBD\xEF\xBF\xBD") << "cut off";
}

TEST(FormatDuration, UsesTheUnitsThatAPersonWould) {
  EXPECT_EQ(format_duration(0.4), "0 s");
  EXPECT_EQ(format_duration(59.4), "59 s");
  EXPECT_EQ(format_duration(59.6), "1 min 00 s");
  EXPECT_EQ(format_duration(3725), "1 h 02 min");
}

TEST(ProgressBar, WritesOneLineATenthWhereThereIsNoTerminal) {
  const std::string out = written([](std::FILE* file) {
    ProgressBar bar(100, "work", file);
    for (int i = 0; i <= 100; ++i) bar.update(i, "item");
    bar.finish();
  });
  EXPECT_EQ(std::count(out.begin(), out.end(), '\n'), 12) << out;
  EXPECT_EQ(out.find('\r'), std::string::npos);
  EXPECT_EQ(out.find('\x1b'), std::string::npos);
  EXPECT_NE(out.find("work  50 %"), std::string::npos) << out;
  EXPECT_NE(out.find("work done in 0 s"), std::string::npos) << out;
}

TEST(CommandLine, IsQuotedForAShell) {
  CliContext context;
  context.arguments = {"inferometer", "generate", "-p", "it's $HOME", "", "a=b"};
  EXPECT_EQ(command_line(context), "inferometer generate -p 'it'\\''s $HOME' '' a=b");
}

TEST(TextTable, AlignsByCharactersAndPutsNumbersToTheRight) {
  TextTable table({"name", "t/s"});
  table.add({"größe", "9.5 ± 0.1"});
  table.add({"a", "-"});
  EXPECT_EQ(table.plain(), "name   t/s\ngröße  9.5 ± 0.1\na              -\n");
  EXPECT_EQ(table.markdown(), "| name  | t/s       |\n| ----- | --------: |\n| größe | 9.5 ± 0.1 |\n| a     |         - |\n");
}

TEST(ReadLine, TakesBothLineEndsAndALastLineWithoutOne) {
  std::FILE* file = std::tmpfile();
  std::fputs("one\r\n\ntwo", file);
  std::rewind(file);
  std::string line;
  EXPECT_TRUE(read_line(file, "file", line));
  EXPECT_EQ(line, "one");
  EXPECT_TRUE(read_line(file, "file", line));
  EXPECT_EQ(line, "");
  EXPECT_TRUE(read_line(file, "file", line));
  EXPECT_EQ(line, "two");
  EXPECT_FALSE(read_line(file, "file", line));
  std::fclose(file);
}

}  // namespace
}  // namespace ifm
